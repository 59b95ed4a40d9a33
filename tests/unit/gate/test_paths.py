"""Which rule holds for a path and a method, and whom it lets in; rows of the table in the module."""

import pytest

from proxy.gate.decision import Deny, Kind, Request, SignIn
from proxy.gate.paths import SIGNED_IN, AnswerAs, PathRule, PathRules
from proxy.identity import NOT_STATED, Identity, IdpId
from proxy.reasons import Reason
from proxy.session.model import Authentication
from proxy.session.step_up import Demand
from tests.fakes.people import groups, identity


def asked(path: str, method: str = "GET", **fields: str) -> Request:
    headers = [(name.replace("_", "-").encode(), value.encode()) for name, value in fields.items()]
    return Request(
        method=method.encode(),
        target=path.encode(),
        path=path.encode(),
        headers=headers,
        names=[name.lower() for name, _ in headers],
        host=b"app.example.com",
        cookie=None,
        peer="",
        scheme="https",
    )


ADMIN = PathRule(path="/admin/*", groups=groups("admins"))
DOCS = PathRule(path="/docs/*", is_optional=True)
HOME = PathRule(path="/", is_optional=True)
WRITES = PathRule(path="/api/*", methods=frozenset({b"POST", b"DELETE"}), groups=groups("writers"))
READS = PathRule(path="/api/*", methods=frozenset({b"GET"}), is_optional=True)
RULES = PathRules((ADMIN, DOCS, HOME, WRITES, READS))


@pytest.mark.parametrize(
    ("request_", "rule"),
    [
        (asked("/admin/x"), ADMIN),
        (asked("/admin/"), ADMIN),
        (asked("/admin"), ADMIN),
        (asked("/ADMIN/x"), ADMIN),
        (asked("/administrators"), SIGNED_IN),
        (asked("/docs/a"), DOCS),
        (asked("/docs"), DOCS),
        (asked("/docs/My%20file"), DOCS),
        (asked("/"), HOME),
        (asked("/x"), SIGNED_IN),
        (asked("/api/a"), READS),
        (asked("/api/a", "HEAD"), READS),
        (asked("/api/a", "POST"), WRITES),
        (asked("/api/a", "PUT"), SIGNED_IN),
        (asked("/admin/a%2fb"), ADMIN),
        (asked("*", "OPTIONS"), SIGNED_IN),
    ],
)
def test_the_first_rule_that_covers_path_and_method_holds(request_: Request, rule: PathRule) -> None:
    assert RULES.rule_of(request_) == rule


@pytest.mark.parametrize("path", ["/Docs/a", "/docs/a%2fb", "/docs/a;b", "/docs//a", "/docs/%61"])
def test_another_spelling_of_an_optional_path_needs_a_sign_in(path: str) -> None:
    rule = RULES.rule_of(asked(path))
    assert rule is not None
    assert (rule.path, rule.is_optional) == ("/docs/*", False)


@pytest.mark.parametrize(
    "path",
    [
        "/%61dmin/x", "//admin", "/admin;x", "/docs/..%2fadmin", "/docs/../admin", "/docs%2f..%2fadmin", "/%2e/x", "/admin%00",
        "/docs\\x", "/admin%3fx", "/x/..;/admin",
    ],
)  # fmt: skip
def test_a_path_that_may_be_read_under_two_rules_holds_none(path: str) -> None:
    assert RULES.rule_of(asked(path)) is None


def test_an_exact_rule_covers_its_path_with_a_slash_more_but_opens_it_only_as_written() -> None:
    rules = PathRules(
        (PathRule(path="/keys", groups=groups("admins")), PathRule(path="/health", is_optional=True))
    )
    assert [bool((rule := rules.rule_of(asked(path))) and rule.groups) for path in ("/keys", "/keys/", "/keys/x")] == [
        True, True, False,
    ]  # fmt: skip
    opened = [
        (rule := rules.rule_of(asked(path))) and rule.is_optional
        for path in ("/health", "/health/", "/Health")
    ]
    assert opened == [True, False, False]


@pytest.mark.parametrize("name", ["X_HTTP_Method_Override", "X_HTTP_Method", "X_Method_Override"])
def test_a_method_override_never_leads_around_a_rule_for_methods(name: str) -> None:
    assert RULES.rule_of(asked("/api/a", "GET", **{name: "DELETE"})) is None
    assert RULES.rule_of(asked("/api/a", "POST", **{name: "delete"})) == WRITES
    assert RULES.rule_of(asked("/admin", "POST", **{name: "DELETE"})) == ADMIN
    same = RULES.rule_of(asked("/api/a", "GET", **{name: "HEAD"}))
    assert same is not None
    assert not same.is_optional


@pytest.mark.parametrize(
    "name",
    [b"X_HTTP_METHOD_OVERRIDE", b"X.HTTP.Method.Override", b"x-http_method-override", b"X_Method-Override"],
)
def test_an_override_counts_in_every_spelling_that_an_app_may_fold(name: bytes) -> None:
    request = asked("/api/a", "GET")
    request.headers, request.names = [(name, b"DELETE")], [name.lower()]
    assert RULES.rule_of(request) is None


def test_rules_without_methods_do_not_look_at_overrides() -> None:
    assert PathRules((DOCS,)).rule_of(asked("/docs/a", X_HTTP_Method="PUT")) == DOCS


def test_no_rules_are_false() -> None:
    assert not PathRules()
    assert PathRules((ADMIN,))


# --- whom a rule lets in ------------------------------------------------------------------------------------------

STATED = Authentication(acr="weak", at=1000.0)


def refused(
    rule: PathRule, person: Identity, authentication: Authentication = STATED
) -> Deny | SignIn | None:
    return rule.refusal(person, authentication, asked("/"), 1000.0)


NOT_ALLOWED = Deny(status=403, reason=Reason.PATH_NOT_ALLOWED, kind=Kind.SCRIPT)


def test_one_of_the_groups_is_enough() -> None:
    rule = PathRule(path="/*", groups=groups("admins", "owners"))
    assert refused(rule, identity(groups=groups("owners", "x"))) is None
    assert refused(rule, identity(groups=groups("x"))) == NOT_ALLOWED
    assert refused(rule, identity(groups=groups("Admins"))) == NOT_ALLOWED
    assert refused(rule, identity(groups=frozenset())) == NOT_ALLOWED


def test_groups_that_were_never_stated_are_refused_with_their_own_reason() -> None:
    rule = PathRule(path="/*", groups=groups("admins"))
    assert refused(rule, identity(groups=NOT_STATED)) == Deny(
        status=403, reason=Reason.NOT_STATED, kind=Kind.SCRIPT
    )
    assert refused(SIGNED_IN, identity(groups=NOT_STATED)) is None


def test_another_idps_people_do_not_come_in_by_a_group_of_the_same_name() -> None:
    rule = PathRule(path="/*", groups=groups("admins"), idps=frozenset({IdpId("corp")}))
    assert refused(rule, identity(groups=groups("admins"))) is None
    partner = identity(groups=groups("admins"), idp=IdpId("partner"))
    assert refused(rule, partner) == NOT_ALLOWED
    only = PathRule(path="/*", idps=frozenset({IdpId("corp")}))
    assert refused(only, identity(groups=NOT_STATED)) is None
    assert refused(only, identity(idp=IdpId("partner"))) == NOT_ALLOWED


@pytest.mark.parametrize(
    ("answer", "fields", "kind"),
    [
        (AnswerAs.AUTO, {"Sec_Fetch_Mode": "navigate"}, Kind.NAVIGATION),
        (AnswerAs.AUTO, {}, Kind.SCRIPT),
        (AnswerAs.REDIRECT, {}, Kind.NAVIGATION),
        (AnswerAs.REDIRECT, {"Content_Type": "application/grpc"}, Kind.GRPC),
        (AnswerAs.UNAUTHORIZED, {"Sec_Fetch_Mode": "navigate"}, Kind.SCRIPT),
        (AnswerAs.UNAUTHORIZED, {"Content_Type": "application/grpc"}, Kind.GRPC),
    ],
)
def test_a_rule_may_say_how_a_stranger_is_answered(
    answer: AnswerAs, fields: dict[str, str], kind: Kind
) -> None:
    assert PathRule(path="/*", answer=answer).kind(asked("/", **fields)) is kind


def test_a_demand_that_is_not_met_is_a_sign_in_that_says_so() -> None:
    demand = Demand(acr_values=("strong",))
    rule = PathRule(path="/*", demand=demand)
    verdict = SignIn(reason=Reason.INSUFFICIENT_AUTHENTICATION, kind=Kind.SCRIPT, demand=demand)
    assert refused(rule, identity()) == verdict
    assert refused(rule, identity(), Authentication()) == verdict
    assert refused(rule, identity(), Authentication(acr="strong")) is None


def test_nobody_proves_more_only_to_be_refused() -> None:
    rule = PathRule(path="/*", groups=groups("admins"), demand=Demand(max_age=60))
    assert refused(rule, identity(), Authentication()) == NOT_ALLOWED
    asked_more = refused(rule, identity(groups=groups("admins")), Authentication())
    assert isinstance(asked_more, SignIn)
