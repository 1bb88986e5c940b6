package inventory

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"embed"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/store"
)

// rulesVersion is counted up whenever a rule of recognition changes, so that what
// was recognised by the rules before is looked at anew.
const rulesVersion = 2

// known are the authorities by which certificates are recognised.
type known struct{ roots, issuers []*x509.Certificate }

//go:embed roots/*.cer issuers/*.cer
var knownFiles embed.FS

// builtIn comes with the program: the roots of TRUST2408 (OCES2), of its last test
// hierarchy and of the test hierarchy of Den Danske Stat (ca1.cti-gov.dk), and the
// two issuing authorities of OCES2.
var builtIn = known{roots: embedded("roots"), issuers: embedded("issuers")}

func embedded(folder string) (all []*x509.Certificate) {
	names, err := fs.Glob(knownFiles, folder+"/*.cer")
	if err != nil {
		panic(err) // embedded above
	}
	for _, name := range names {
		content, err := knownFiles.ReadFile(name)
		if err != nil {
			panic(err)
		}
		if block, _ := pem.Decode(content); block != nil {
			content = block.Bytes
		}
		c, err := x509.ParseCertificate(content)
		if err != nil {
			panic(err)
		}
		all = append(all, c)
	}
	return all
}

// ReadAuthorities reads a PEM file of authorities that an operator knows, roots and
// issuers in any order.
func ReadAuthorities(content []byte) (all []*x509.Certificate, err error) {
	for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("it holds %q; only certificates belong there", block.Type)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		if !c.IsCA {
			return nil, fmt.Errorf("%s is not the certificate of an authority", c.Subject)
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, errors.New("it holds no certificate in PEM")
	}
	return all, nil
}

// known are the authorities that come with the program and those of the operator;
// what signed itself is a root.
func (s *Service) known() known {
	k := known{roots: slices.Clone(builtIn.roots), issuers: slices.Clone(builtIn.issuers)}
	for _, c := range s.Authorities {
		if bytes.Equal(c.RawSubject, c.RawIssuer) {
			k.roots = append(k.roots, c)
		} else {
			k.issuers = append(k.issuers, c)
		}
	}
	return k
}

// version names the authorities and the rules.
func (k known) version() string {
	var prints []string
	for _, c := range slices.Concat(k.roots, k.issuers) {
		sum := sha256.Sum256(c.Raw)
		prints = append(prints, hex.EncodeToString(sum[:]))
	}
	slices.Sort(prints)
	all := sha256.New()
	for _, one := range slices.Compact(prints) {
		_, _ = all.Write([]byte(one)) // a hash never fails
	}
	return strconv.Itoa(rulesVersion) + "." + hex.EncodeToString(all.Sum(nil)[:8])
}

// climb follows signatures from a certificate upwards and returns the authorities on
// the way, the next one first. broken is a certificate whose issuer is there and did
// not sign it. Validity does not matter: most of what an inventory holds has an end
// behind it.
func (k known) climb(c *x509.Certificate, issuers []*x509.Certificate) (path []*x509.Certificate, chain string, broken bool) {
	for range 5 { // OCES has two steps
		for _, root := range k.roots {
			if root.Equal(c) {
				return path, ToRoot, false
			}
			if c.CheckSignatureFrom(root) == nil {
				return append(path, root), ToRoot, false
			}
		}
		var parent *x509.Certificate
		named := false
		for _, one := range slices.Concat(issuers, k.issuers, k.roots) {
			if !one.IsCA || one.Equal(c) || !bytes.Equal(one.RawSubject, c.RawIssuer) {
				continue
			}
			if len(c.AuthorityKeyId) > 0 && len(one.SubjectKeyId) > 0 && !bytes.Equal(c.AuthorityKeyId, one.SubjectKeyId) {
				continue // another key of the same name
			}
			err := c.CheckSignatureFrom(one)
			if _, old := errors.AsType[x509.InsecureAlgorithmError](err); old {
				continue // SHA-1, of OCES1: it says neither yes nor no
			}
			named = true
			if err == nil {
				parent = one
			}
		}
		if parent == nil {
			return path, chain, named
		}
		c, chain, path = parent, ToIssuer, append(path, parent)
	}
	return path, chain, false
}

// path names the authorities up to which a certificate was followed.
func (s *Service) path(ctx context.Context, c Certificate) (names []string, err error) {
	if c.DER == nil || c.Chain == "" {
		return nil, nil
	}
	parsed, err := x509.ParseCertificate(c.DER)
	if err != nil {
		return nil, err
	}
	issuers, err := s.issuers(ctx, c.OrgID, nil)
	if err != nil {
		return nil, err
	}
	all, _, _ := s.known().climb(parsed, issuers)
	for _, one := range all {
		names = append(names, one.Subject.String())
	}
	return names, nil
}

// RecogniseKind looks anew at what was recognised by other roots or rules.
var RecogniseKind = outbox.NewKind[struct{}]("inventory.recognise_anew")

// RecogniseAnew looks anew at every certificate that was recognised by other roots or
// rules than those that count now, or before an authority came. It may run any
// number of times, beside itself too. Errors: unexpected only.
func (s *Service) RecogniseAnew(ctx context.Context) error {
	own, err := s.own(ctx)
	if err != nil {
		return err
	}
	k := s.known()
	version := k.version()
	issuers := map[access.OrgID][]*x509.Certificate{}
	for after := ""; ; {
		var page []Certificate
		err := s.DB.NewSelect().Model(&page).Where("c.recognised <> ?", version).Where("c.der IS NOT NULL").Where("c.id > ?", after).Order("c.id").Limit(pageSize).Scan(ctx)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, c := range page {
			if issuers[c.OrgID] == nil {
				all, err := s.issuers(ctx, c.OrgID, nil)
				if err != nil {
					return err
				}
				issuers[c.OrgID] = append([]*x509.Certificate{}, all...)
			}
			parsed, err := x509.ParseCertificate(c.DER)
			if err != nil {
				return fmt.Errorf("certificate %s in the inventory: %w", c.ID, err)
			}
			if err := s.recogniseAnew(ctx, c, k.recognise(parsed, own, issuers[c.OrgID]), version); err != nil {
				return err
			}
			after = c.ID
		}
	}
}

// recogniseAnew writes what a certificate is by the roots and rules of now. What a
// profile says of one that was issued here stays.
func (s *Service) recogniseAnew(ctx context.Context, c Certificate, now Recognised, version string) error {
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		before, was := c.Generation+" "+c.Kind+" "+c.Chain, c.Recognised
		c.Recognised, c.Chain = version, now.Chain
		if c.ProfileID == "" {
			c.Generation, c.Kind, c.Test, c.SecureEmail, c.CVR, c.SubjectID = now.Generation, now.Kind, now.Test, now.SecureEmail, now.CVR, now.SubjectID
			c.SearchKey = searchKey(c)
		}
		after := c.Generation + " " + c.Kind + " " + c.Chain
		step := 0
		if after != before {
			step = 1 // whoever has the page open sees that it changed
		}
		n, err := store.Count(tx.NewUpdate().Model(&c).Column("recognised", "chain", "generation", "kind", "test", "secure_email", "cvr", "subject_id", "search_key").
			Set("version = version + ?", step).Where("org_id = ?", c.OrgID).Where("id = ?", c.ID).Where("recognised = ?", was).Where("version = ?", c.Version).Exec(ctx))
		if err != nil || n == 0 || step == 0 {
			return err // somebody changed it meanwhile: the next look finds it
		}
		if err := s.join(ctx, tx, c.OrgID); err != nil {
			return err
		}
		entry := audit.By(access.System(c.OrgID), s.Now(), "inventory.recognise", object(c.ID), "serial "+c.Serial)
		return audit.Record(ctx, tx, entry.Changed(before, after))
	})
}

// lookAnew has an organisation's certificates looked at again, since an authority
// came that may have signed them.
func (s *Service) lookAnew(ctx context.Context, tx bun.Tx, id access.OrgID) error {
	_, err := tx.NewUpdate().Model((*Certificate)(nil)).Set("recognised = ''").Where("org_id = ?", id).Where("chain <> ?", ToRoot).Where("der IS NOT NULL").Exec(ctx)
	if err != nil {
		return err
	}
	return RecogniseKind.Add(ctx, tx, id, struct{}{}, s.Now())
}
