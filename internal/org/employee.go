package org

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/store"
)

// State of an employee as a person in the organisation.
type State string

// The states. Only active people log in and are migrated. Blocked came so from
// a migration; deleted people are no longer listed, and are erased in the end.
const (
	Active    State = "active"
	Suspended State = "suspended"
	Blocked   State = "blocked"
	Deleted   State = "deleted"
)

// cprPurpose keys CPR numbers at rest.
const cprPurpose secret.Purpose = "org.cpr"

// Employee is a person acting for the organisation. ID is the UUID that
// services see; RID is the legacy alias, kept for good once set.
type Employee struct {
	bun.BaseModel `bun:"table:employee"`

	ID          access.EmployeeID `bun:"id,pk"`
	OrgID       access.OrgID      `bun:"org_id"`
	RID         *string           `bun:"rid"`
	GivenName   string            `bun:"given_name"`
	Surname     string            `bun:"surname"`
	Email       string            `bun:"email"`
	Phone       string            `bun:"phone"`
	CPRSealed   []byte            `bun:"cpr_sealed"`
	CPRMAC      []byte            `bun:"cpr_mac"`
	DateOfBirth string            `bun:"date_of_birth"` // YYYY-MM-DD or ""
	PNumber     string            `bun:"p_number"`
	SENumber    string            `bun:"se_number"`
	LocalUserID string            `bun:"local_user_id"`
	State       State             `bun:"state"`
	SearchKey   string            `bun:"search_key"`
	SortKey     string            `bun:"sort_key"`
	CreatedAt   time.Time         `bun:"created_at"`

	Lang           string     `bun:"lang"`    // da or en, of mails
	Channel        string     `bun:"channel"` // mail or letter
	Extra          string     `bun:"extra"`   // JSON object: what settings' Creation.Extra names
	Anonymous      bool       `bun:"anonymous"`
	WithoutCPR     bool       `bun:"without_cpr"` // has none: a foreigner
	ProofingMethod string     `bun:"proofing_method"`
	ProofingLevel  string     `bun:"proofing_level"` // NSIS: Low, Substantial, High; "" = nothing recorded
	ProofingBy     string     `bun:"proofing_by"`    // the actor's ID
	ProofingAt     *time.Time `bun:"proofing_at"`
	PrivateMitIDAt *time.Time `bun:"private_mitid_at"` // consent to log in with private MitID
	StateReason    string     `bun:"state_reason"`
	SuspendedAt    *time.Time `bun:"suspended_at"`
	DeletedAt      *time.Time `bun:"deleted_at"`
	EraseAt        *time.Time `bun:"erase_at"`
	ErasedAt       *time.Time `bun:"erased_at"`
	UpdatedAt      *time.Time `bun:"updated_at"`
	Version        int64      `bun:"version"` // counts edits
	WordsVersion   int64      `bun:"words_version"`
}

// Name is the full name.
func (e Employee) Name() string { return e.GivenName + " " + e.Surname }

// RIDText is the RID, "" when there is none.
func (e Employee) RIDText() string {
	if e.RID == nil {
		return ""
	}
	return *e.RID
}

// SealCPR returns what is stored of a CPR number (10 digits): the sealed value,
// which opens for this organisation and RID only, and the keyed hash that finds
// the same number again in the organisation. "" gives nil, nil.
func SealCPR(keys *secret.Keys, org access.OrgID, rid, cpr string) (sealed, mac []byte) {
	if cpr == "" {
		return nil, nil
	}
	return keys.Seal(cprPurpose, string(org)+"/"+rid, []byte(cpr)), CPRMAC(keys, org, cpr)
}

// CPRMAC is the keyed hash of a CPR number in an organisation, under the newest
// master key: there are few CPR numbers, so a key that has leaked finds them all.
func CPRMAC(keys *secret.Keys, org access.OrgID, cpr string) []byte {
	return keys.NewestMAC(cprPurpose, string(org), cpr)[:16]
}

// CPR is the number itself, for the person and for the dossier; "" without one.
func (s *Service) CPR(e Employee) (string, error) {
	if len(e.CPRSealed) == 0 {
		return "", nil
	}
	cpr, err := s.Keys.Open(cprPurpose, string(e.OrgID)+"/"+e.RIDText(), e.CPRSealed)
	return string(cpr), err
}

// MaskedCPR is DDMMYY-xxxx, "" without a CPR number.
func (s *Service) MaskedCPR(e Employee) (string, error) {
	if len(e.CPRSealed) == 0 {
		return "", nil
	}
	cpr, err := s.Keys.Open(cprPurpose, string(e.OrgID)+"/"+e.RIDText(), e.CPRSealed)
	if err != nil {
		return "", err
	}
	return string(cpr[:6]) + "-xxxx", nil
}

// Prepare fills what the store derives: search and sort keys, state, instant,
// and the ID unless it has one.
func (s *Service) Prepare(e Employee) Employee {
	if e.ID == "" {
		e.ID = access.EmployeeID(store.NewID())
	}
	e.SearchKey, e.SortKey = searchKey(e), SortKey(e.Name())
	e.State, e.WordsVersion = Active, wordsVersion
	e.CreatedAt = store.Instant(s.Now())
	if e.Lang == "" {
		e.Lang = mail.Danish
	}
	if e.Channel == "" {
		e.Channel = ByMail
	}
	if e.Extra == "" {
		e.Extra = "{}"
	}
	return e
}

// Ways to reach an employee.
const (
	ByMail   = "mail"
	ByLetter = "letter"
)

// Add inserts prepared employees with what they are found by, in the caller's
// transaction. It writes no audit entry.
func Add(ctx context.Context, tx bun.Tx, people ...Employee) error {
	if _, err := store.Insert(ctx, tx, people, ""); err != nil {
		return err
	}
	return addWords(ctx, tx, people)
}

// FindOrCreate makes the employees whose RID is not in the organisation yet and
// returns all of them by RID, as stored: an employee who exists is returned
// unchanged. Every one of wanted was prepared by Prepare and has a RID.
func FindOrCreate(ctx context.Context, tx bun.Tx, org access.OrgID, wanted []Employee) (map[string]Employee, error) {
	if len(wanted) == 0 {
		return nil, nil
	}
	n, err := store.Insert(ctx, tx, wanted, "ON CONFLICT (org_id, rid) WHERE rid IS NOT NULL DO NOTHING")
	if err != nil {
		return nil, err
	}
	found := make(map[string]Employee, len(wanted))
	if n == int64(len(wanted)) {
		for _, e := range wanted {
			found[*e.RID] = e
		}
		return found, addWords(ctx, tx, wanted)
	}
	rids := make([]string, len(wanted))
	for i, e := range wanted {
		rids[i] = *e.RID
	}
	stored, err := ByRID(ctx, tx, org, rids)
	if err != nil {
		return nil, err
	}
	for _, e := range stored {
		found[*e.RID] = e
	}
	fresh := slices.DeleteFunc(slices.Clone(wanted), func(e Employee) bool { return found[*e.RID].ID != e.ID })
	return found, addWords(ctx, tx, fresh)
}

// ByRID returns the employees of the organisation with one of the RIDs.
func ByRID(ctx context.Context, db bun.IDB, org access.OrgID, rids []string) ([]Employee, error) {
	if len(rids) == 0 {
		return nil, nil
	}
	var stored []Employee
	err := db.NewSelect().Model(&stored).Where("org_id = ?", org).Where("rid IN (?)", bun.List(rids)).Scan(ctx)
	return stored, err
}

// Employee returns one employee. Errors: fault.Denied, fault.Absent.
func (s *Service) Employee(ctx context.Context, by access.Actor, id access.EmployeeID) (Employee, error) {
	if by.Employee != id || id == "" {
		if err := by.Need(access.ViewEmployees); err != nil {
			return Employee{}, err
		}
	}
	return Get(ctx, s.DB, by.OrgID, id)
}

// Get returns one employee without asking for a right. Errors: fault.Absent.
func Get(ctx context.Context, db bun.IDB, org access.OrgID, id access.EmployeeID) (Employee, error) {
	var e Employee
	err := db.NewSelect().Model(&e).Where("org_id = ?", org).Where("id = ?", id).Scan(ctx)
	return e, store.Found(err, "org.employee")
}
