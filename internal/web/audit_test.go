package web_test

import "github.com/adgang/adgang/internal/access"

var auditRules = []rule{
	{route: "GET /api/v1/audit/key.pem", right: open, want: 200},
	{route: "GET /api/v1/audit/entries", right: access.ViewAudit, want: 200},
	{route: "GET /api/v1/audit/entries.csv", right: access.ViewAudit, want: 200, verbs: "audit.export"},
	{route: "GET /api/v1/audit/entries.json", right: access.ViewAudit, want: 200, verbs: "audit.export"},
	{route: "GET /api/v1/audit/status", right: access.ViewAudit, want: 200},
	{route: "GET /api/v1/audit/verification", right: access.ViewAudit, want: 200},
	{route: "GET /api/v1/audit/checkpoints", right: access.ViewAudit, want: 200},
	{route: "GET /api/v1/audit/proof.zip", right: access.ViewAudit, want: 200, verbs: "audit.export"},
	{route: "GET /api/v1/me/activity", right: loggedIn, want: 200},
}
