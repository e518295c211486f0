"""The catalogue of the log: every tag that may be recorded, and the fields its data carries."""

CATALOGUE: dict[str, tuple[str, ...]] = {
    # assignments, by hand
    "assignment:dispatch:issue": ("batch", "task", "items", "digest", "respond_by", "due_at"),
    "assignment:sign-for:acknowledge": (),
    "assignment:submission:submit": ("number", "digest", "reviewer"),
    "assignment:submission:withdraw": ("number",),
    "assignment:review:pass-up": ("number", "digest", "step", "reviewer"),
    "assignment:review:approve": ("number", "digest", "step"),
    "assignment:review:return": ("number", "digest", "step", "code"),
    "assignment:issuer:reopen": (),
    "assignment:issuer:cancel": (),
    "assignment:report:check-in": ("check_in", "kind"),
    "assignment:evidence:keep": ("evidence", "sha256", "name"),
    # assignments, by the clock
    "assignment:clock:remind-sign-for": ("rung",),
    "assignment:clock:remind": ("rung",),
    "assignment:clock:escalate": ("rung",),
    "assignment:clock:escalate-further": ("rung",),
    # campaigns
    "campaign:draft:create": ("title", "tasks"),
    "campaign:draft:edit": ("changed",),
    "campaign:issuer:issue": ("tasks",),
    # people at the door, organisation
    "person:session:sign-in": (),
    "person:session:sign-in-refused": ("login",),
    "person:session:lock": ("login", "until"),
    "person:session:sign-out": (),
    "person:password:change": (),
    "person:password:reset": (),
    "person:account:create": ("login",),
    "person:account:disable": (),
    "person:account:enable": (),
    "person:account:language": ("locale",),
    "person:post:add": ("post", "unit", "role"),
    "person:post:end": ("post", "on"),
    "organisation:areas:import": ("added", "changed", "digest"),
    "organisation:people:import": ("added", "changed", "posts", "digest"),
    "delivery:channel:resend": ("delivery",),
}
