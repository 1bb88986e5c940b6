package oiosaml

import "slices"

// Attribute names of OIOSAML 3, all of NameFormat uri.
const (
	attrSpecVersion = "https://data.gov.dk/model/core/specVersion"
	attrLoA         = "https://data.gov.dk/concept/core/nsis/loa"
	attrIAL         = "https://data.gov.dk/concept/core/nsis/ial"
	attrAAL         = "https://data.gov.dk/concept/core/nsis/aal"
	attrFullName    = "https://data.gov.dk/model/core/eid/fullName"
	attrFirstName   = "https://data.gov.dk/model/core/eid/firstName"
	attrLastName    = "https://data.gov.dk/model/core/eid/lastName"
	attrEmail       = "https://data.gov.dk/model/core/eid/email"
	attrBirthDate   = "https://data.gov.dk/model/core/eid/dateOfBirth"
	attrCVR         = "https://data.gov.dk/model/core/eid/professional/cvr"
	attrOrgName     = "https://data.gov.dk/model/core/eid/professional/orgName"
	attrRID         = "https://data.gov.dk/model/core/eid/professional/rid"
	attrUnit        = "https://data.gov.dk/model/core/eid/professional/productionUnit"
	attrSENumber    = "https://data.gov.dk/model/core/eid/professional/seNumber"
	attrPrivileges  = "https://data.gov.dk/model/core/eid/privilegesIntermediate"
	attrUUID        = "https://data.gov.dk/model/core/eid/professional/uuid/persistent"
)

// Attribute names that OIOSAML 4.0.0 added.
const (
	attrProfile          = "https://data.gov.dk/concept/core/eid/profile"
	attrLoA4             = "https://data.gov.dk/concept/core/loa"
	attrRobot            = "https://data.gov.dk/model/core/eid/professional/isRobot"
	attrQualifiedSigning = "https://data.gov.dk/model/core/eid/allowQualifiedSigning"
)

// When an attribute is told.
const (
	always  = iota // the profile makes it mandatory
	byUse          // the service asks by publishing rights
	freely         // to a service that lists it, and to one that lists nothing
	onlyFor        // to a service that lists it
)

// offer is one attribute that Adgang can tell.
type offer struct {
	name string
	when int
	v4   bool // only in OIOSAML 4
}

// offers is everything that Adgang can tell, in the order in which it is told.
var offers = []offer{
	{attrSpecVersion, always, false},
	{attrLoA, always, false},
	{attrCVR, always, false},
	{attrOrgName, always, false},
	{attrProfile, always, true},
	{attrLoA4, always, true},
	{attrIAL, freely, false},
	{attrAAL, freely, false},
	{attrUUID, freely, false},
	{attrRID, freely, false},
	{attrFullName, freely, false},
	{attrFirstName, freely, false},
	{attrLastName, freely, false},
	{attrEmail, freely, false},
	{attrUnit, onlyFor, false},
	{attrSENumber, onlyFor, false},
	{attrBirthDate, onlyFor, false},
	{attrRobot, onlyFor, true},
	{attrQualifiedSigning, onlyFor, true},
	{attrPrivileges, byUse, false},
}

// Attribute is one attribute as a service is told it.
type Attribute struct{ Name, Value string }

// Offered is one attribute that a service may be told, for the lists that people
// decide by.
type Offered struct {
	Name      string
	Mandatory bool // nobody can hold it back
	Asked     bool // the service's metadata lists it
	Required  bool // and says that it cannot do without
}

// Told lists what a service of metadata md may be told, in order: what is
// mandatory, and what it asks for or gets for asking nothing. rights is true when
// it publishes any.
func Told(md Metadata, rights bool) []Offered {
	var all []Offered
	for _, o := range offers {
		asked, required := md.asks(o.name)
		if o.v4 && !asked || o.when == byUse && !rights && !asked || !o.given(md) {
			continue
		}
		all = append(all, Offered{o.name, o.when == always, asked, required})
	}
	return all
}

// Known tells whether Adgang can tell an attribute at all.
func Known(name string) bool {
	return slices.ContainsFunc(offers, func(o offer) bool { return o.name == name })
}

// asks tells whether the metadata lists an attribute, and as one it needs.
func (m Metadata) asks(name string) (asked, required bool) {
	for _, q := range m.Requested {
		if q.Name == name {
			asked, required = true, required || q.Required
		}
	}
	return asked, required
}

func (o offer) given(md Metadata) bool {
	asked, _ := md.asks(o.name)
	return o.when == always || o.when == byUse || asked || o.when == freely && md.Requested == nil
}

// Attributes returns what a service is told about the person: what the profile
// makes mandatory, and of the rest what the metadata asks for and nobody holds
// back. A service that lists no attributes at all gets those that are told
// freely; one that publishes rights gets the person's.
func (who Person) Attributes(md Metadata) []Attribute {
	values := who.values()
	var told []Attribute
	for _, o := range offers {
		value := values[o.name]
		switch {
		case value == "" || o.v4 && who.Profile == "" || !o.given(md):
		case o.when != always && slices.Contains(who.Withheld, o.name):
		default:
			told = append(told, Attribute{o.name, value})
		}
	}
	return told
}

// values is everything about the person by attribute name. No employee is a
// robot, and nobody signs with a qualified certificate of Adgang's.
func (who Person) values() map[string]string {
	word := func(l Level) string {
		if l == 0 {
			return ""
		}
		return l.String()
	}
	return map[string]string{
		attrSpecVersion: "OIO-SAML-3.0", attrLoA: who.Level.String(), attrIAL: word(who.Identity), attrAAL: word(who.Authenticator),
		attrCVR: who.CVR, attrOrgName: who.OrgName, attrUUID: who.UUID, attrRID: who.RID,
		attrFullName: who.FullName, attrFirstName: who.FirstName, attrLastName: who.LastName, attrEmail: who.Email,
		attrUnit: who.ProductionUnit, attrSENumber: who.SENumber, attrBirthDate: who.BirthDate, attrPrivileges: who.Privileges,
		attrProfile: who.Profile, attrLoA4: who.Level.String(), attrRobot: "false", attrQualifiedSigning: "false",
	}
}

// Identifies tells whether an attribute names one person by itself.
func Identifies(name string) bool {
	return name == attrUUID || name == attrRID || name == attrEmail
}
