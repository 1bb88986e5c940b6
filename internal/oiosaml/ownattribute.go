package oiosaml

// Attributes that are read of an organisation's own identity provider.
const (
	AttrCVR       = attrCVR
	AttrRID       = attrRID
	AttrUUID      = attrUUID
	AttrFullName  = attrFullName
	AttrFirstName = attrFirstName
	AttrLastName  = attrLastName
	AttrEmail     = attrEmail
	AttrOrgName   = attrOrgName
	AttrLoA       = attrLoA
	AttrIAL       = attrIAL
	AttrCPR       = "https://data.gov.dk/model/core/eid/cprNumber"
	AttrCPRUUID   = "https://data.gov.dk/model/core/eid/cprUuid"
)

// Attribute profiles of OIOSAML, as class references that ask for them.
const (
	ProfilePerson       = profiles + "Person"
	ProfileProfessional = profiles + "Professional"
)
