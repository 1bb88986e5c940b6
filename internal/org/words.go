package org

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/store"
)

// wordsVersion is stored with an employee whose words are written as below.
const wordsVersion = 2

const (
	maxNames  = 12   // words of a name that are searched
	maxWord   = 100  // characters of a word that are searched
	maxKey    = 1000 // bytes of a search key: an entry of an index holds it beside the sort key (2,704 in PostgreSQL)
	pairHead  = 3    // letters of the first word of a pair
	beginning = 3    // letters of the longest beginning of a word that is kept
	pairMark  = "\x02"
	stateMark = "\x01"
	identMark = "\x03"
	beginMark = "\x04"
)

// word is a row of employee_word. Words that begin with stateMark are marks,
// which the list is filtered by; those that begin with pairMark are pairs: the
// first letters of one word of the name, another word, and the first in full, so
// that what people type of a name is one narrow range; those that begin with
// beginMark are the first letters alone, so that one letter is a range as well, in
// the order of the list.
type word struct {
	bun.BaseModel `bun:"table:employee_word"`

	OrgID      access.OrgID      `bun:"org_id,pk"`
	Word       string            `bun:"word,pk"`
	SortKey    string            `bun:"sort_key,pk"`
	EmployeeID access.EmployeeID `bun:"employee_id,pk"`
}

// cleanWord is a folded word as it is stored and searched.
func cleanWord(w string) string {
	w = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, w)
	return cutRunes(w, maxWord)
}

func cutRunes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// nameWords are the words of a name, folded, those with hyphens also in parts.
func nameWords(e Employee) []string {
	var words []string
	add := func(w string) {
		if w = cleanWord(w); w != "" && !slices.Contains(words, w) && len(words) < maxNames {
			words = append(words, w)
		}
	}
	for _, w := range strings.Fields(Fold(e.Name())) {
		add(w)
		if strings.Contains(w, "-") {
			for part := range strings.SplitSeq(w, "-") {
				add(part)
			}
		}
	}
	return words
}

// identifiers are what else an employee is found by, but for the UUID.
func identifiers(e Employee) []string {
	var all []string
	for _, id := range []string{e.Email, e.RIDText(), e.LocalUserID} {
		if w := cleanWord(strings.Join(strings.Fields(Fold(id)), "")); w != "" && !slices.Contains(all, w) {
			all = append(all, w)
		}
	}
	return all
}

// letters are what an identifier begins with, up to the first other sign: a
// search for letters alone finds it by them.
func letters(id string) string {
	if i := strings.IndexFunc(id, func(r rune) bool { return !unicode.IsLetter(r) }); i >= 0 {
		return id[:i]
	}
	return id
}

// searchKey is every word of the name after a blank and every identifier after
// a tab, as far as there is room.
func searchKey(e Employee) string {
	var b strings.Builder
	for _, w := range nameWords(e) {
		b.WriteString(" " + w)
	}
	for _, id := range identifiers(e) {
		b.WriteString("\t" + id)
	}
	key := b.String()
	for cut := maxKey; len(key) > maxKey; cut-- {
		if utf8.RuneStart(key[cut]) {
			key = key[:cut]
		}
	}
	return key
}

// wordsOf are the rows of an employee but for the marks of other packages.
func wordsOf(e Employee) []word {
	names := nameWords(e)
	texts := slices.Clone(names)
	for _, id := range identifiers(e) {
		texts = append(texts, identMark+id)
		implied := func(w string) bool { return strings.HasPrefix(w, letters(id)) }
		if letters(id) != "" && !slices.ContainsFunc(texts[:len(names)], implied) {
			texts = append(texts, letters(id))
		}
	}
	for i, a := range names {
		for j, b := range names {
			if i != j {
				texts = append(texts, pairMark+cutRunes(a, pairHead)+" "+b+" "+a)
			}
		}
	}
	texts = append(texts, ownMarks(e)...)
	texts = append(texts, beginnings(texts)...)
	rows := make([]word, len(texts))
	for i, text := range texts {
		rows[i] = word{OrgID: e.OrgID, Word: text, SortKey: e.SortKey, EmployeeID: e.ID}
	}
	return rows
}

// beginnings are the first letters, up to three, of all words but marked ones.
func beginnings(words []string) (all []string) {
	for _, w := range words {
		if w < " " {
			continue
		}
		for n := 1; n <= beginning; n++ {
			if one := beginMark + cutRunes(w, n); !slices.Contains(all, one) {
				all = append(all, one)
			}
		}
	}
	return all
}

func addWords(ctx context.Context, tx bun.Tx, people []Employee) error {
	rows := make([]word, 0, 8*len(people))
	for _, e := range people {
		if e.State != Deleted {
			rows = append(rows, wordsOf(e)...)
		}
	}
	_, err := store.Insert(ctx, tx, rows, "ON CONFLICT DO NOTHING")
	return err
}

// Marks: what the list is filtered by besides the columns. A group has at most
// one value an employee; none is written for the usual one.
const (
	MarkState      = "state"      // suspended, blocked
	MarkAnonymous  = "anonymous"  // yes
	MarkPNumber    = "p"          // the number
	MarkProofing   = "proof"      // the method
	MarkLevel      = "level"      // the identity level, but Low
	MarkCPR        = "cpr"        // without
	MarkKeyFile    = "file"       // ordered, active, blocked, expired
	MarkCodeCard   = "card"       // active, blocked
	MarkInvitation = "invitation" // open, expiring, expired, locked
)

// kept are the groups of marks that other packages set; a move in the list takes
// them along.
var kept = []string{MarkKeyFile, MarkCodeCard, MarkInvitation}

func markWord(group, value string) string { return stateMark + group + ":" + value }

// ownMarks are the marks that follow from the employee's own columns.
func ownMarks(e Employee) []string {
	var marks []string
	if e.State == Suspended || e.State == Blocked {
		marks = append(marks, markWord(MarkState, string(e.State)))
	}
	if e.Anonymous {
		marks = append(marks, markWord(MarkAnonymous, "yes"))
	}
	if e.PNumber != "" {
		marks = append(marks, markWord(MarkPNumber, e.PNumber))
	}
	if e.WithoutCPR {
		marks = append(marks, markWord(MarkCPR, "without"))
	}
	if e.ProofingMethod != "" {
		marks = append(marks, markWord(MarkProofing, e.ProofingMethod))
	}
	if level := e.IdentityLevel(); level == "" {
		marks = append(marks, markWord(MarkLevel, "none"))
	} else if level != "Low" {
		marks = append(marks, markWord(MarkLevel, level))
	}
	return marks
}

// replaceWords moves an employee in the index, and takes a deleted one out.
func (s *Service) replaceWords(ctx context.Context, tx bun.Tx, before, after Employee) error {
	was, is := wordsOf(before), wordsOf(after)
	if after.State == Deleted {
		is = nil
	}
	if err := dropWords(ctx, tx, before, texts(was)); err != nil {
		return err
	}
	var foreign []string
	for _, group := range kept {
		foreign = append(foreign, markWords(group)...)
	}
	var err error
	at := tx.NewUpdate().Model((*word)(nil)).Set("sort_key = ?", after.SortKey)
	if after.State == Deleted {
		err = dropWords(ctx, tx, before, foreign)
	} else if before.SortKey != after.SortKey {
		_, err = at.Where("org_id = ?", before.OrgID).Where("word IN (?)", bun.List(foreign)).
			Where("sort_key = ?", before.SortKey).Where("employee_id = ?", before.ID).Exec(ctx)
	}
	if err != nil {
		return err
	}
	_, err = store.Insert(ctx, tx, is, "ON CONFLICT DO NOTHING")
	return err
}

func texts(rows []word) []string {
	all := make([]string, len(rows))
	for i, r := range rows {
		all[i] = r.Word
	}
	return all
}

func dropWords(ctx context.Context, tx bun.Tx, e Employee, texts []string) error {
	if len(texts) == 0 {
		return nil
	}
	_, err := tx.NewDelete().Model((*word)(nil)).Where("org_id = ?", e.OrgID).Where("word IN (?)", bun.List(texts)).
		Where("sort_key = ?", e.SortKey).Where("employee_id = ?", e.ID).Exec(ctx)
	return err
}

// SetMark gives employees of an organisation a value of one of the groups that
// other packages keep, "" for none, in the caller's transaction. fresh says that
// none of them has one.
func SetMark(ctx context.Context, tx bun.Tx, org access.OrgID, group, value string, fresh bool, ids ...access.EmployeeID) error {
	if len(ids) == 0 {
		return nil
	}
	if !fresh {
		_, err := tx.NewDelete().Model((*word)(nil)).Where("org_id = ?", org).Where("word IN (?)", bun.List(markWords(group))).
			Where("(sort_key, employee_id) IN (?)", tx.NewSelect().TableExpr("employee").ColumnExpr("sort_key, id").
				Where("org_id = ?", org).Where("id IN (?)", bun.List(ids))).Exec(ctx)
		if err != nil {
			return err
		}
	}
	if value == "" {
		return nil
	}
	_, err := tx.NewRaw(`INSERT INTO employee_word (org_id, word, sort_key, employee_id)
		SELECT org_id, ?, sort_key, id FROM employee WHERE org_id = ? AND id IN (?) AND state <> 'deleted' ON CONFLICT DO NOTHING`,
		markWord(group, value), org, bun.List(ids)).Exec(ctx)
	return err
}

// Unindexed returns up to 500 employees, of any organisation, whom the list
// cannot find: they were stored before there was an index of words.
func Unindexed(ctx context.Context, db bun.IDB) ([]Employee, error) {
	var people []Employee
	err := db.NewSelect().Model(&people).Where("words_version = 0").Order("id").Limit(500).Scan(ctx)
	return people, err
}

// Index puts unindexed employees into the index, in the caller's transaction,
// but for the marks that other packages keep.
func Index(ctx context.Context, tx bun.Tx, people []Employee) error {
	for i, e := range people {
		people[i].SearchKey = searchKey(e)
		_, err := tx.NewUpdate().Model((*Employee)(nil)).Set("search_key = ?", people[i].SearchKey).Set("words_version = ?", wordsVersion).
			Where("org_id = ?", e.OrgID).Where("id = ?", e.ID).Where("words_version = 0").Exec(ctx)
		if err != nil {
			return err
		}
	}
	return addWords(ctx, tx, people)
}
