package audit

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed" // result.txt
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/store"
)

// partResult is the file of a signed result.
const partResult = "result.csv"

//go:embed result.txt
var resultReadme string

// ResultStatement says what an act came to: of which object, and the size and digest
// of the file that tells it.
type ResultStatement struct {
	OrgID   access.OrgID
	Subject string // "batch:ID", "run:ID"
	Size    int64
	Digest  []byte // SHA-256 of the file
	At      time.Time
}

const resultHead = "adgang result statement 1"

// Text is the statement as it is signed: a line a fact.
func (s ResultStatement) Text() string {
	return fmt.Sprintf("%s\norganisation %s\nsubject %s\nfile %s\nsize %d\nsha256 %x\nat %s\n",
		resultHead, s.OrgID, s.Subject, partResult, s.Size, s.Digest, s.At.UTC().Format(instant))
}

func parseResult(text string) (s ResultStatement, err error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) != 7 || lines[0] != resultHead {
		return s, errors.New("this is no statement of a result")
	}
	fact := func(i int, name string) string { return strings.TrimPrefix(lines[i], name+" ") }
	s.OrgID, s.Subject = access.OrgID(fact(1, "organisation")), fact(2, "subject")
	var errs [3]error
	s.Size, errs[0] = strconv.ParseInt(fact(4, "size"), 10, 64)
	s.Digest, errs[1] = hex.DecodeString(fact(5, "sha256"))
	s.At, errs[2] = time.Parse(instant, fact(6, "at"))
	if err = errors.Join(errs[:]...); err == nil && s.Text() != text {
		err = errors.New("the statement is not written as Adgang writes it")
	}
	return s, err
}

// WriteResult writes a ZIP archive of the file that write writes, a signed statement
// of it and the key; the audit log gets an entry with the file's digest. The caller
// has checked that the actor may see what the file tells.
func (s *Service) WriteResult(ctx context.Context, by access.Actor, subject string, w io.Writer, write func(io.Writer) error) error {
	if _, err := s.key(ctx); err != nil { // before the first byte: a failure is still an answer
		return err
	}
	z := zip.NewWriter(w)
	if err := addPart(z, partReadme, []byte(resultReadme)); err != nil {
		return err
	}
	f, err := z.Create(partResult)
	if err != nil {
		return err
	}
	counted := counting{to: f, digest: sha256.New()}
	if err := write(&counted); err != nil {
		return err
	}
	st := ResultStatement{OrgID: by.OrgID, Subject: subject, Size: counted.size, Digest: counted.digest.Sum(nil), At: store.Instant(s.Now())}
	signature, key, err := s.sign(ctx, st.Text())
	if err != nil {
		return err
	}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		return Record(ctx, tx, By(by, s.Now(), "result.sign", subject, hex.EncodeToString(st.Digest)))
	})
	if err != nil {
		return err
	}
	for _, part := range []struct {
		name string
		body []byte
	}{
		{partStatement, []byte(st.Text())},
		{partSignature, signature},
		{partKey, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: key.Public})},
	} {
		if err := addPart(z, part.name, part.body); err != nil {
			return err
		}
	}
	return z.Close()
}

func addPart(z *zip.Writer, name string, body []byte) error {
	f, err := z.Create(name)
	if err == nil {
		_, err = f.Write(body)
	}
	return err
}

// counting digests and counts what goes through it.
type counting struct {
	to     io.Writer
	digest hash.Hash
	size   int64
}

func (c *counting) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.size += int64(n)
	_, _ = c.digest.Write(p[:n])
	return n, err
}

// ProvedResult is what VerifyResult found in a signed result.
type ProvedResult struct {
	ResultStatement
	Fingerprint string // of the key that the archive carries: compare it with the installation's
	Problems    []Problem
}

// IsResult tells whether a file is a signed result.
func IsResult(r io.ReaderAt, size int64) bool {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return false
	}
	text, err := part(z, partStatement)
	return err == nil && strings.HasPrefix(string(text), resultHead)
}

// VerifyResult checks a signed result without a database. Errors mean that it cannot
// be read as one at all.
func VerifyResult(r io.ReaderAt, size int64) (p ProvedResult, err error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return p, err
	}
	parts := map[string][]byte{partStatement: nil, partSignature: nil, partKey: nil}
	for name := range parts {
		if parts[name], err = part(z, name); err != nil {
			return p, err
		}
	}
	block, _ := pem.Decode(parts[partKey])
	if block == nil {
		return p, errors.New("the key of the result cannot be read")
	}
	text := string(parts[partStatement])
	if p.ResultStatement, err = parseResult(text); err != nil {
		return p, err
	}
	p.Fingerprint = Fingerprint(block.Bytes)
	report := Report{}
	if err := verifySignature(block.Bytes, text, parts[partSignature]); err != nil {
		report.found("file", 0, "", "The statement is not signed by the key in the file.")
	}
	f, err := z.Open(partResult)
	if err != nil {
		return p, err
	}
	defer func() { _ = f.Close() }()
	read := counting{to: io.Discard, digest: sha256.New()}
	_, err = io.Copy(&read, f)
	if err != nil || read.size != p.Size || !bytes.Equal(read.digest.Sum(nil), p.Digest) {
		report.found("changed", 0, "", "The file %s is not what was signed.", partResult)
	}
	p.Problems = report.Problems
	return p, nil
}
