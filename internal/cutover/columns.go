package cutover

import (
	"errors"
	"strings"

	"github.com/adgang/adgang/internal/sheet"
)

// The columns that an export may have.
const (
	rid sheet.Field = iota
	givenName
	surname
	email
	phone
	cpr
	dateOfBirth
	signatureType
	status
	pNumber
	seNumber
	localUserID
	roles
	rights
	powers
)

// form is what an export is read for; the order is that of the constants.
var form = sheet.Form{
	Columns: []sheet.Column{
		{Names: []string{"rid"}, Required: true, Mask: sheet.MaskNothing},
		{Names: []string{"fornavn", "given_name"}, Required: true},
		{Names: []string{"efternavn", "surname"}, Required: true},
		{Names: []string{"e-mail", "email"}, Required: true},
		{Names: []string{"telefon", "phone"}},
		{Names: []string{"cpr"}, Mask: sheet.MaskCPR},
		{Names: []string{"fødselsdato", "date_of_birth"}},
		{Names: []string{"signaturtype", "signature_type"}},
		{Names: []string{"status"}},
		{Names: []string{"p-nummer", "p_number"}},
		{Names: []string{"se-nummer", "se_number"}},
		{Names: []string{"medarbejdernummer", "local_user_id"}},
		{Names: []string{"roller", "roles"}},
		{Names: []string{"rettigheder", "rights"}},
		{Names: []string{"fuldmagter", "powers"}},
	},
	OneOf: [][]sheet.Field{{cpr, dateOfBirth}},
}

// What reading a file is made of, under the names it had here first.
type (
	File      = sheet.File
	Summary   = sheet.Summary
	Finding   = sheet.Finding
	FileError = sheet.FileError
	Severity  = sheet.Severity
)

// An Error keeps its row out of the migration, a Notice does not.
const (
	Error  = sheet.Error
	Notice = sheet.Notice
)

// Bad reports whether any of the findings is an Error.
func Bad(findings []Finding) bool { return sheet.Bad(findings) }

// released gives findings the codes under which they were released, before
// sheet served others too: "cutover.file.*" and "cutover.row.*".
func released(findings []Finding) []Finding {
	for i, f := range findings {
		if rest, found := strings.CutPrefix(f.Code, "sheet."); found {
			findings[i].Code = "cutover." + rest
		}
	}
	return findings
}

// releasedError is released for the error of a file that cannot be taken in.
func releasedError(err error) error {
	if f, ok := errors.AsType[*FileError](err); ok {
		return sheet.Refuse(released(f.Findings)...)
	}
	return err
}
