"""The terms of a plan for one account, as its binding and the operator's rules make them."""

from proxy.groups.links import owned_groups
from proxy.provisioning.app_admin import Capabilities
from proxy.provisioning.linking import is_protected
from proxy.provisioning.model import Binding, Member
from proxy.provisioning.plan import Terms
from proxy.provisioning.rules import CourierRules


def terms_for(
    member: Member,
    *,
    own: Member | None,
    binding: Binding | None,
    capabilities: Capabilities,
    rules: CourierRules,
    is_last_admin: bool,
) -> Terms:
    """`own` is the account behind our token, which is protected whether it is listed or not."""
    is_own = own is not None and own.id == member.id
    return Terms(
        capabilities=capabilities,
        binding=binding,
        roles=rules.groups.roles.order,
        is_protected=is_own or is_protected(member, rules.link.protected),
        is_last_admin=is_last_admin,
        owned=owned_groups(rules.groups),
        keeps_profile=rules.keeps_profile,
    )
