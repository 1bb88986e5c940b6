package openid

import (
	"slices"

	"github.com/adgang/adgang/internal/federation"
)

// Scopes that a client may use. openid is always needed (OpenID Connect Core
// 3.1.2.1); offline_access only for a client that is registered for refreshing.
const (
	scopeOpenID  = "openid"
	scopeProfile = "profile"
	scopeEmail   = "email"
	scopeOffline = "offline_access"
)

// Claim is one attribute of OIOSAML that a client can ask for. In tokens it is
// called by the attribute's own name; where OpenID Connect Core section 5.1 has a
// claim for the same, the scope adds that one too.
type Claim struct {
	Attribute string
	Standard  string // the claim of OpenID Connect Core, "" = none
	Scope     string // that it comes with
}

// Claims is everything that a client can ask for, in the order in which it is shown.
// It is the table in docs/openid.md.
var Claims = []Claim{
	{"https://data.gov.dk/model/core/eid/fullName", "name", scopeProfile},
	{"https://data.gov.dk/model/core/eid/firstName", "given_name", scopeProfile},
	{"https://data.gov.dk/model/core/eid/lastName", "family_name", scopeProfile},
	{"https://data.gov.dk/model/core/eid/email", "email", scopeEmail},
	{"https://data.gov.dk/model/core/eid/dateOfBirth", "birthdate", scopeProfile},
	{"https://data.gov.dk/model/core/eid/professional/cvr", "", ""},
	{"https://data.gov.dk/model/core/eid/professional/orgName", "", ""},
	{"https://data.gov.dk/model/core/eid/professional/rid", "", ""},
	{"https://data.gov.dk/model/core/eid/professional/uuid/persistent", "", ""},
	{"https://data.gov.dk/model/core/eid/professional/productionUnit", "", ""},
	{"https://data.gov.dk/model/core/eid/professional/seNumber", "", ""},
	{"https://data.gov.dk/concept/core/nsis/loa", "", ""},
	{"https://data.gov.dk/concept/core/nsis/ial", "", ""},
	{"https://data.gov.dk/concept/core/nsis/aal", "", ""},
	{"https://data.gov.dk/model/core/eid/privilegesIntermediate", "", ""},
}

// claimable tells whether a client can ask for an attribute.
func claimable(attribute string) bool {
	return slices.ContainsFunc(Claims, func(c Claim) bool { return c.Attribute == attribute })
}

// told are the claims about a person: what federation has released, of that what the
// client has registered, and the standard names that its scopes add.
func told(r Registration, scopes []string, out federation.Release) map[string]any {
	all := map[string]any{}
	for _, a := range out.Attributes {
		if !slices.Contains(r.Claims, a.Name) {
			continue // mandatory in SAML, and not asked for here
		}
		all[a.Name] = a.Value
		for _, c := range Claims {
			if c.Attribute == a.Name && c.Standard != "" && slices.Contains(scopes, c.Scope) {
				all[c.Standard] = a.Value
			}
		}
	}
	return all
}

// claimNames is what the provider says that it can tell.
func claimNames() []string {
	all := []string{"sub", "iss", "aud", "exp", "iat", "auth_time", "acr", "amr", "nonce", "sid", "at_hash"}
	for _, c := range Claims {
		if c.Standard != "" {
			all = append(all, c.Standard)
		}
	}
	for _, c := range Claims {
		all = append(all, c.Attribute)
	}
	return all
}
