"""An app that records its calls is taken on an errand; any other is left as it is."""

from proxy.provisioning.app_admin import AppAdmin
from proxy.provisioning.errand import Errand, on_errand
from tests.fakes.app_admin import FakeApp


class Recording(FakeApp):
    """Remembers the errand it was last taken on."""

    errand: Errand | None = None

    def on_errand(self, errand: Errand) -> AppAdmin:
        other = Recording()
        other.errand = errand
        return other


def test_an_app_without_a_record_is_itself() -> None:
    app = FakeApp()
    assert on_errand(app, Errand(purpose="join")) is app


def test_an_app_with_one_is_taken_on_the_errand_and_stays_what_it_was() -> None:
    app = Recording()
    taken = on_errand(app, Errand(purpose="join"))
    assert isinstance(taken, Recording)
    assert (taken.errand, app.errand) == (Errand(purpose="join"), None)
