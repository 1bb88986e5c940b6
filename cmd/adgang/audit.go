package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/org"
)

// auditVerify reads the log of one organisation or of all, or an export, and says
// what is not as it was sealed.
func auditVerify(ctx context.Context, e *env) error {
	f := flags("audit verify")
	cvr, file, asJSON := f.String("org", "", ""), f.String("file", "", ""), f.Bool("json", false, "")
	if _, err := parse(f, e.args, 0); err != nil {
		return err
	}
	if *file != "" {
		return auditVerifyFile(e, *file, *asJSON)
	}
	a, err := open(ctx, e)
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }()
	orgs := []org.Organisation{}
	if *cvr != "" {
		o, err := a.Org.ByCVR(ctx, *cvr)
		if err != nil {
			return notThere(err, "no organisation has the CVR number %s", *cvr)
		}
		orgs = append(orgs, o)
	} else if orgs, err = a.Org.Everyone(ctx); err != nil {
		return err
	}
	if *cvr == "" { // the installation has a log of its own
		orgs = append([]org.Organisation{{Name: "the installation"}}, orgs...)
	}
	bad := false
	for _, o := range orgs {
		r, err := a.Audit.Verify(ctx, o.ID)
		if err != nil {
			return err
		}
		bad = bad || len(r.Problems) > 0
		if err := showReport(e, *asJSON, o, r); err != nil {
			return err
		}
	}
	if bad {
		return errTampered
	}
	return nil
}

// errTampered is a log that is not as it was sealed; what is wrong is printed.
var errTampered = errors.New("the audit log is not as it was sealed")

func showReport(e *env, asJSON bool, o org.Organisation, r audit.Report) error {
	problems := problemsOf(r.Problems)
	value := map[string]any{
		"organisation": o.ID, "cvr": o.CVR, "name": o.Name, "sealed": r.Sealed, "digest": hex.EncodeToString(r.Digest),
		"unsealed": r.Unsealed, "unsealed_since": r.Since, "checkpoints": r.Checkpoints, "signed": r.Signed, "problems": problems,
	}
	text := fmt.Sprintf("%s %s: entries 1 to %d are sealed, 1 to %d signed by %d checkpoints\n", o.Name, o.CVR, r.Sealed, r.Signed, r.Checkpoints)
	if r.Since != nil {
		text += fmt.Sprintf("  not sealed yet, so not proved: %d entries since %s\n", r.Unsealed, r.Since.Format(time.RFC3339))
	}
	return show(e, asJSON, value, "%s", text+list(r.Problems))
}

func problemsOf(all []audit.Problem) []map[string]any {
	out := []map[string]any{}
	for _, p := range all {
		out = append(out, map[string]any{"kind": p.Kind, "number": p.Number, "entry": p.Entry, "text": p.Text})
	}
	return out
}

func list(all []audit.Problem) (text string) {
	for _, p := range all {
		text += "  " + p.Kind + ": " + p.Text + "\n"
	}
	return text
}

// auditVerifyFile needs no database: whoever got an export checks it anywhere.
func auditVerifyFile(e *env, path string, asJSON bool) error {
	f, err := os.Open(path) //nolint:gosec // the file that was asked for
	if err != nil {
		return usage("audit verify: %v", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if audit.IsResult(f, info.Size()) {
		return verifyResult(e, f, info.Size(), path, asJSON)
	}
	p, err := audit.VerifyProof(f, info.Size())
	if err != nil {
		return usage("audit verify: %s: %v", path, err)
	}
	value := map[string]any{
		"organisation": p.OrgID, "from": p.From, "to": p.To, "entries": p.Entries, "digest": hex.EncodeToString(p.Digest),
		"signed_at": p.At, "key_fingerprint": p.Fingerprint, "problems": problemsOf(p.Problems),
	}
	err = show(e, asJSON, value, "organisation %s: entries %d to %d, signed %s\nkey %s (compare with the installation's /api/v1/audit/key.pem)\n%s",
		p.OrgID, p.From, p.To, p.At.Format(time.RFC3339), p.Fingerprint, list(p.Problems))
	if err == nil && len(p.Problems) > 0 {
		err = errTampered
	}
	return err
}

// errForged is a result that is not as it was signed; what is wrong is printed.
var errForged = errors.New("the result is not as it was signed")

// verifyResult checks what became of a batch or a bulk change.
func verifyResult(e *env, r io.ReaderAt, size int64, path string, asJSON bool) error {
	p, err := audit.VerifyResult(r, size)
	if err != nil {
		return usage("audit verify: %s: %v", path, err)
	}
	value := map[string]any{
		"organisation": p.OrgID, "subject": p.Subject, "size": p.Size, "sha256": hex.EncodeToString(p.Digest),
		"signed_at": p.At, "key_fingerprint": p.Fingerprint, "problems": problemsOf(p.Problems),
	}
	err = show(e, asJSON, value, "organisation %s: result of %s, %d bytes, signed %s\nkey %s (compare with the installation's /api/v1/audit/key.pem)\n%s",
		p.OrgID, p.Subject, p.Size, p.At.Format(time.RFC3339), p.Fingerprint, list(p.Problems))
	if err == nil && len(p.Problems) > 0 {
		err = errForged
	}
	return err
}
