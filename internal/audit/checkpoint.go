package audit

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"database/sql"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/store"
)

const keyPurpose secret.Purpose = "audit.key"

// Checkpoint is a signed statement of where a chain stood, one a day.
type Checkpoint struct {
	bun.BaseModel `bun:"table:audit_checkpoint"`

	OrgID     access.OrgID `bun:"org_id,pk"`
	Day       string       `bun:"day,pk"` // 2006-01-02
	Seq       int64        `bun:"seq"`
	Digest    []byte       `bun:"digest"`
	KeyID     string       `bun:"key_id"`
	Text      string       `bun:"text"`
	Signature []byte       `bun:"signature"` // ECDSA P-256 with SHA-256 over Text, ASN.1
	At        time.Time    `bun:"at"`
}

// keyRow is the key that statements are signed with.
type keyRow struct {
	bun.BaseModel `bun:"table:audit_key"`

	ID        string    `bun:"id,pk"`
	State     string    `bun:"state"`
	Public    []byte    `bun:"public"` // PKIX
	KeySealed []byte    `bun:"key_sealed"`
	CreatedAt time.Time `bun:"created_at"`
}

// Statement says of an organisation's chain that it leads from one digest to
// another over the entries From to To.
type Statement struct {
	OrgID    access.OrgID
	From, To int64
	Previous []byte // the chain before From
	Digest   []byte // the chain after To
	At       time.Time
}

const statementHead = "adgang audit statement 1"

// Text is the statement as it is signed: a line a fact.
func (s Statement) Text() string {
	return fmt.Sprintf("%s\norganisation %s\nfrom %d\nprevious %x\nto %d\ndigest %x\nat %s\n",
		statementHead, s.OrgID, s.From, s.Previous, s.To, s.Digest, s.At.UTC().Format(instant))
}

// ParseStatement is the inverse of Text.
func ParseStatement(text string) (s Statement, err error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) != 7 || lines[0] != statementHead {
		return s, errors.New("this is no statement of an audit log")
	}
	value := func(i int, name string) string {
		v, ok := strings.CutPrefix(lines[i], name+" ")
		if !ok {
			err = errors.Join(err, fmt.Errorf("line %d does not name %s", i+1, name))
		}
		return v
	}
	s.OrgID = access.OrgID(value(1, "organisation"))
	var errs [5]error
	s.From, errs[0] = strconv.ParseInt(value(2, "from"), 10, 64)
	s.Previous, errs[1] = hex.DecodeString(value(3, "previous"))
	s.To, errs[2] = strconv.ParseInt(value(4, "to"), 10, 64)
	s.Digest, errs[3] = hex.DecodeString(value(5, "digest"))
	s.At, errs[4] = time.Parse(instant, value(6, "at"))
	if err = errors.Join(err, errors.Join(errs[:]...)); err == nil && s.Text() != text {
		err = errors.New("the statement is not written as Adgang writes it")
	}
	return s, err
}

// PublicKey is the key that verifies statements, PEM of PKIX.
func (s *Service) PublicKey(ctx context.Context) ([]byte, error) {
	row, err := s.key(ctx)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: row.Public}), nil
}

// Fingerprint names a key: SHA-256 over its PKIX bytes, in hexadecimal.
func Fingerprint(pkix []byte) string {
	sum := sha256.Sum256(pkix)
	return hex.EncodeToString(sum[:])
}

// key reads the key in use, and makes it the first time; of several nodes that
// make one the first wins.
func (s *Service) key(ctx context.Context) (row keyRow, err error) {
	read := func() error { return s.DB.NewSelect().Model(&row).Where("state = 'active'").Scan(ctx) }
	if err = read(); !errors.Is(err, sql.ErrNoRows) {
		return row, err
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return row, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return row, err
	}
	public, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		return row, err
	}
	made := keyRow{ID: store.NewID(), State: "active", Public: public, CreatedAt: store.Instant(s.Now())}
	made.KeySealed = s.Keys.Seal(keyPurpose, made.ID, pkcs8)
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		n, err := store.Count(tx.NewInsert().Model(&made).On("CONFLICT DO NOTHING").Exec(ctx))
		if err != nil || n == 0 {
			return err
		}
		return Record(ctx, tx, By(access.System(""), s.Now(), "audit_key.create", "audit_key:"+made.ID, Fingerprint(public)))
	})
	if err != nil {
		return row, err
	}
	return row, read()
}

// sign signs a statement with the key in use.
func (s *Service) sign(ctx context.Context, text string) (signature []byte, row keyRow, err error) {
	if row, err = s.key(ctx); err != nil {
		return nil, row, err
	}
	pkcs8, err := s.Keys.Open(keyPurpose, row.ID, row.KeySealed)
	if err != nil {
		return nil, row, fmt.Errorf("key of the audit log: %w", err)
	}
	private, err := x509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		return nil, row, err
	}
	digest := sha256.Sum256([]byte(text))
	signature, err = private.(crypto.Signer).Sign(rand.Reader, digest[:], crypto.SHA256)
	return signature, row, err
}

// verifySignature checks a statement's signature with a key of PKIX bytes.
func verifySignature(pkix []byte, text string, signature []byte) error {
	key, err := x509.ParsePKIXPublicKey(pkix)
	if err != nil {
		return err
	}
	public, ok := key.(*ecdsa.PublicKey)
	digest := sha256.Sum256([]byte(text))
	if !ok || !ecdsa.VerifyASN1(public, digest[:], signature) {
		return errors.New("the signature is not of this key and text")
	}
	return nil
}

// Checkpoints signs today's checkpoint of every organisation whose chain has grown
// since its last one, and returns how many.
func (s *Service) Checkpoints(ctx context.Context) (n int64, err error) {
	day := s.Now().UTC().Format(time.DateOnly)
	var orgs []access.OrgID
	err = s.DB.NewRaw(`SELECT o.id FROM (SELECT id FROM organisation UNION ALL SELECT '') AS o
		WHERE NOT EXISTS (SELECT 1 FROM audit_checkpoint AS c WHERE c.org_id = o.id AND c.day >= ?)
		AND EXISTS (SELECT 1 FROM audit_seal AS s WHERE s.org_id = o.id
			AND s.seq > coalesce((SELECT max(c.seq) FROM audit_checkpoint AS c WHERE c.org_id = o.id), 0))
		ORDER BY o.id`, day).Scan(ctx, &orgs)
	if err != nil {
		return 0, fmt.Errorf("look for chains without a checkpoint: %w", err)
	}
	for _, org := range orgs {
		one, err := s.checkpoint(ctx, org, day)
		if err != nil {
			return n, fmt.Errorf("checkpoint of %q: %w", org, err)
		}
		n += one
	}
	return n, nil
}

func (s *Service) checkpoint(ctx context.Context, org access.OrgID, day string) (int64, error) {
	head, err := headOf(ctx, s.DB, org)
	if err != nil {
		return 0, err
	}
	at := store.Instant(s.Now())
	text := Statement{OrgID: org, From: 1, To: head.last(), Previous: beginning(org), Digest: head.end(), At: at}.Text()
	signature, key, err := s.sign(ctx, text)
	if err != nil {
		return 0, err
	}
	return store.Count(s.DB.NewInsert().Model(&Checkpoint{
		OrgID: org, Day: day, Seq: head.last(), Digest: head.end(), KeyID: key.ID, Text: text, Signature: signature, At: at,
	}).On("CONFLICT DO NOTHING").Exec(ctx))
}

// CheckpointsOf returns the checkpoints of the actor's organisation, newest first,
// at most 400. Errors: fault.Denied.
func (s *Service) CheckpointsOf(ctx context.Context, by access.Actor) (all []Checkpoint, err error) {
	if err := by.Need(access.ViewAudit); err != nil {
		return nil, err
	}
	err = s.DB.NewSelect().Model(&all).Where("org_id = ?", by.OrgID).Order("day DESC").Limit(400).Scan(ctx)
	return all, err
}
