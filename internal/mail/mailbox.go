package mail

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/adgang/adgang/internal/fault"
)

// suffix ends the name of a mail's file.
const suffix = ".eml"

// Mailbox reads back the folder that the folder transport writes; its value is
// the folder's path.
type Mailbox string

// Mail is a mail as its receiver sees it.
type Mail struct {
	ID, From, To, Subject, Body string
	Date                        time.Time
}

// Mails returns at most limit mails, the one queued last first, from the one
// after the ID cursor on ("" = from the start), and the next cursor, "" at the
// end. A folder that does not exist is empty.
func (b Mailbox) Mails(cursor string, limit int) (mails []Mail, next string, err error) {
	entries, err := os.ReadDir(string(b))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, "", err
	}
	for _, e := range slices.Backward(entries) { // IDs sort by the time they were made
		id, isMail := strings.CutSuffix(e.Name(), suffix)
		if !isMail || !isID(id) || cursor != "" && id >= cursor {
			continue
		}
		if len(mails) == limit {
			return mails, mails[limit-1].ID, nil
		}
		m, err := b.Mail(id)
		if err != nil {
			return nil, "", err
		}
		mails = append(mails, m)
	}
	return mails, "", nil
}

// Mail returns one mail. Errors: fault.Absent.
func (b Mailbox) Mail(id string) (Mail, error) {
	absent := fault.New(fault.Absent, "mail.message.absent", "There is no such mail.")
	if !isID(id) {
		return Mail{}, absent
	}
	f, err := os.Open(filepath.Join(string(b), id+suffix)) //nolint:gosec // an ID is no path
	if errors.Is(err, os.ErrNotExist) {
		return Mail{}, absent
	}
	if err != nil {
		return Mail{}, err
	}
	defer func() { _ = f.Close() }()
	m, err := parse(f)
	if err != nil {
		return Mail{}, fmt.Errorf("mail %s: %w", id, err)
	}
	m.ID = id
	return m, nil
}

// isID tells whether s is an ID as store.NewID writes it, so also no path.
func isID(s string) bool {
	id, err := uuid.Parse(s)
	return err == nil && id.String() == s
}

// parse reads what build wrote: the text, alone or as the first part.
func parse(r io.Reader) (Mail, error) {
	msg, err := netmail.ReadMessage(r)
	if err != nil {
		return Mail{}, err
	}
	var m Mail
	decoder := new(mime.WordDecoder)
	for name, into := range map[string]*string{"From": &m.From, "To": &m.To, "Subject": &m.Subject} {
		if *into, err = decoder.DecodeHeader(msg.Header.Get(name)); err != nil {
			return Mail{}, err
		}
	}
	if m.Date, err = msg.Header.Date(); err != nil {
		return Mail{}, err
	}
	body, err := plain(msg.Header.Get("Content-Type"), msg.Header.Get("Content-Transfer-Encoding"), msg.Body)
	m.Body = strings.ReplaceAll(string(body), "\r\n", "\n")
	return m, err
}

// plain finds the first text part.
func plain(kind, encoding string, r io.Reader) ([]byte, error) {
	media, params, err := mime.ParseMediaType(kind)
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(media, "multipart/") {
		if strings.EqualFold(encoding, "quoted-printable") {
			r = quotedprintable.NewReader(r)
		}
		return io.ReadAll(r)
	}
	part, err := multipart.NewReader(r, params["boundary"]).NextRawPart()
	if err != nil {
		return nil, err
	}
	return plain(part.Header.Get("Content-Type"), part.Header.Get("Content-Transfer-Encoding"), part)
}
