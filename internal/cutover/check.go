package cutover

import (
	"strings"

	"github.com/adgang/adgang/internal/sheet"
)

// checker turns the rows of a file into records and remembers what must not
// come twice.
type checker struct{ seen sheet.Seen }

// check reads one row; its findings are added to those of the row.
func (c *checker) check(row *sheet.Row) Record {
	r := Record{Line: row.Line}
	if !row.Readable {
		return r
	}
	r.RID = row.RID(rid)
	r.GivenName = row.Name(givenName)
	r.Surname = row.Name(surname)
	r.Email = row.Email(email)
	r.Phone = row.Phone(phone)
	r.CPR, r.DateOfBirth = row.Birth(cpr, dateOfBirth, true)
	r.Carrier = sheet.OneOf(row, signatureType, CodeCard, carriers, "cutover.row.signature_type", "Nøglekort, Nøglefil or Hardware")
	r.Blocked = sheet.OneOf(row, status, false, statuses, "cutover.row.status", "Aktiv or Spærret")
	r.PNumber = row.PNumber(pNumber)
	r.SENumber = row.SENumber(seNumber)
	r.LocalUserID = row.Text(localUserID, 64)
	r.Roles, r.Rights = readRoles(row), listed(row, rights)
	r.Powers = readPowers(row)
	c.compare(row, r)
	return r
}

var (
	carriers = map[string]Carrier{
		"nøglekort": CodeCard, "code_card": CodeCard, "nøglefil": KeyFile, "key_file": KeyFile, "hardware": Hardware,
	}
	statuses = map[string]bool{"aktiv": false, "active": false, "spærret": true, "blocked": true}
)

// compare reports what an earlier row has too. The same RID or CPR number is
// an error; the same e-mail address, or name and date of birth, a notice.
func (c *checker) compare(row *sheet.Row, r Record) {
	twice := false
	if r.RID != "" {
		if before := c.seen.First(r.Line, "rid", r.RID); before > 0 {
			twice = true
			row.Fail(rid, "cutover.row.duplicate_rid", "Line %d has the same RID. Keep the row that is right and remove the other.", before)
		}
	}
	if r.CPR != "" {
		if before := c.seen.First(r.Line, "cpr", r.CPR); before > 0 {
			twice = true
			row.Fail(cpr, "cutover.row.duplicate_cpr", "Line %d has the same CPR number. Keep the RID that shall survive and remove the other row.", before)
		}
	}
	if r.Email != "" {
		if before := c.seen.First(r.Line, "email", strings.ToLower(r.Email)); before > 0 && !twice {
			row.Note(email, "cutover.row.same_email", "Line %d has the same e-mail address. Check that both employees read it.", before)
		}
	}
	if r.GivenName == "" || r.Surname == "" || r.DateOfBirth.IsZero() {
		return
	}
	name := strings.ToLower(r.GivenName + " " + r.Surname)
	if before := c.seen.First(r.Line, "person", name, r.DateOfBirth.Format("2006-01-02")); before > 0 && !twice {
		row.Note(givenName, "cutover.row.same_person", "Line %d has the same name and date of birth. Check that they are two persons.", before)
	}
}
