"""The closed set of reasons: log, audit, page and test read the same word."""

from enum import StrEnum, unique


@unique
class Reason(StrEnum):
    """Why something was decided. A member's value is what an operator searches for."""

    # joining: by statement alone (semantics §4.7)
    DENY_LISTED = "deny_listed"
    DOMAIN_NOT_ALLOWED = "domain_not_allowed"
    EMAIL_MISSING = "email_missing"
    EMAIL_NOT_VERIFIED = "email_not_verified"
    # joining: by the app or by us
    NOT_INVITED = "not_invited"
    NO_SEAT = "no_seat"
    LOGIN_TAKEN = "login_taken"
    PROTECTED_ACCOUNT = "protected_account"
    BOUND_TO_ANOTHER = "bound_to_another"
    AMBIGUOUS_ACCOUNT = "ambiguous_account"
    PROVISIONING_OFF = "provisioning_off"
    CREATION_LIMIT = "creation_limit"
    # sessions
    SIGNED_IN = "signed_in"
    SIGNED_OUT = "signed_out"
    LOGGED_OUT_AT_IDP = "logged_out_at_idp"
    REPLACED = "replaced"
    REFRESHED = "refreshed"
    IDP_DENIED = "idp_denied"
    ASK_AGAIN = "ask_again"
    SUBJECT_CHANGED = "subject_changed"
    IDP_NOT_ALLOWED = "idp_not_allowed"
    SIGN_IN_LOOP = "sign_in_loop"
    IDP_TROUBLE = "idp_trouble"
    IDP_MISCONFIGURED = "idp_misconfigured"
    OUR_TOKEN_SPENT = "our_token_spent"  # noqa: S105 -- a reason, no secret
    NO_REFRESH_TOKEN = "no_refresh_token"  # noqa: S105 -- a reason, no secret
    GRACE_OVER = "grace_over"
    IDLE_TOO_LONG = "idle_too_long"
    TOO_OLD = "too_old"
    ENDED_BY_OPERATOR = "ended_by_operator"
    # suspicion timers (semantics §5.3)
    TIMER_STARTED = "timer_started"
    TIMER_CANCELLED = "timer_cancelled"
    TIMER_FROZEN = "timer_frozen"
    TIMER_FIRED = "timer_fired"
    # the inactivity sweep (semantics §6.3)
    INACTIVE = "inactive"
    # what a directory says (semantics §5.2)
    DIRECTORY_SUSPENDED = "directory_suspended"
    DIRECTORY_GONE = "directory_gone"
    DIRECTORY_TROUBLE = "directory_trouble"
    DIRECTORY_MISCONFIGURED = "directory_misconfigured"
    # requests
    NOT_SIGNED_IN = "not_signed_in"
    BEING_SET_UP = "being_set_up"
    STORE_UNAVAILABLE = "store_unavailable"
    UPSTREAM_UNAVAILABLE = "upstream_unavailable"
    UPSTREAM_TIMEOUT = "upstream_timeout"
    BAD_UPSTREAM_ANSWER = "bad_upstream_answer"
    BAD_REQUEST = "bad_request"
    AMBIGUOUS_PATH = "ambiguous_path"
    WRONG_HOST = "wrong_host"
    PATH_NOT_ALLOWED = "path_not_allowed"
    WRONG_ORIGIN = "wrong_origin"
    GROUPS_TOO_LARGE = "groups_too_large"
    LOGIN_NOT_SENDABLE = "login_not_sendable"
    SHUTTING_DOWN = "shutting_down"
    INTERNAL_ERROR = "internal_error"
    # groups and roles
    LINKED = "linked"
    SAME_NAME = "same_name"
    ROLE_GROUP = "role_group"
    DEFAULT_GROUP = "default_group"
    DEFAULT_ROLE = "default_role"
    GRANTED_BY_GROUP = "granted_by_group"
    NO_MATCH = "no_match"
    APP_GROUP_MISSING = "app_group_missing"
    NOT_STATED = "not_stated"
    UNKNOWN_MEMBER = "unknown_member"
    ARCHIVED_IN_APP = "archived_in_app"
    OBSERVED_ONLY = "observed_only"
    OWNER_LEFT_ALONE = "owner_left_alone"
    PROTECTED_LEFT_ALONE = "protected_left_alone"
    NO_ARCHIVE = "no_archive"
    # carrying out
    PLANNED = "planned"
    GUARD_TRIPPED = "guard_tripped"
    APP_TROUBLE = "app_trouble"
    APP_REFUSED = "app_refused"
    APP_UNPROVED = "app_unproved"
    ACCOUNT_GONE = "account_gone"
    APPLIED = "applied"
