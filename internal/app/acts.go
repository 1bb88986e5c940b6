package app

import (
	"github.com/adgang/adgang/internal/approval"
	"github.com/adgang/adgang/internal/credential"
	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/revocation"
	"github.com/adgang/adgang/internal/roster"
)

// ActServices are the packages whose methods do approved acts.
type ActServices struct {
	Approval   *approval.Service
	Org        *org.Service
	Federation *federation.Service
	Roster     *roster.Service
	Credential *credential.Service
	Revocation *revocation.Service
}

// Acts is the table of contents: every act that may wait for a second person,
// and who does it then.
func Acts(s ActServices) []approval.Route {
	return []approval.Route{
		s.Approval.ChooseRoute(),
		s.Org.RolesRoute(),
		s.Roster.SuspendRoute(),
		s.Roster.DeleteRoute(),
		s.Credential.BlockManyRoute(),
		s.Revocation.RevokeRoute(),
		s.Federation.ReplaceRoute(),
		s.Federation.RemoveRoute(),
		approval.Handle(org.EndAct, s.Org.EndTx),
	}
}
