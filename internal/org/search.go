package org

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/setting"
	"github.com/adgang/adgang/internal/store"
)

// Orders of the list.
const (
	ByName     = "name"
	ByNameDown = "-name"
	Newest     = "newest"
	Oldest     = "oldest"
)

// Filter is what a list of employees is narrowed to; the zero Filter is all who
// are not deleted, by name. "none" in KeyFile, CodeCard, Proofing and Level means
// those without any.
type Filter struct {
	// Q holds beginnings of words, all of which must be found. One word is sought in
	// names, e-mail, RID, local ID and UUID; of several words, those of letters alone
	// are sought in the name, the others in all. A UUID is known from its second
	// hyphen on.
	Q             string
	State         string // active, suspended, blocked, deleted; "" = all but deleted
	KeyFile       string // none, ordered, active, blocked, expired
	CodeCard      string // none, active, blocked
	Invitation    string // open, expiring, expired, locked
	Proofing      string // of ProofingMethods, or none
	Level         string // identity level, or none
	PNumber       string
	Anonymous     bool
	Administrator bool   // has a role of administrator
	Unproven      bool   // the identity is not known at the level that it needs, see Proven
	Sort          string // ByName unless said otherwise
	Cursor        string
}

const (
	pageSize = 50  // employees
	maxQuery = 200 // characters of a search
)

// The limits of one search: so many rows of the index are few enough to sort at
// once, first and at last, and so many employees are looked at in a walk; so many
// words under one beginning are read one by one.
const (
	fewRows  = 1_000
	manyRows = 5_000
	fewWords = 24
)

var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]*$`)

// term is a word that is sought.
type term struct {
	text string
	name bool // of letters and the signs of names alone
	uuid bool
}

// terms reads a search. A word that is the beginning of another one adds nothing.
func terms(q string) ([]term, error) {
	if utf8.RuneCountInString(q) > maxQuery || !utf8.ValidString(q) || strings.ContainsRune(q, 0) {
		return nil, fault.New(fault.Invalid, "org.search.form", "Search for at most %d letters and digits.", maxQuery).On("q")
	}
	var all []term
	for _, w := range strings.Fields(Fold(q)) {
		w = cleanWord(strings.TrimPrefix(w, "urn:uuid:"))
		t := term{text: w, name: strings.IndexFunc(w, notName) < 0, uuid: uuidForm.MatchString(w)}
		if w != "" && !slices.Contains(all, t) {
			all = append(all, t)
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(t term) bool {
		return slices.ContainsFunc(all, func(o term) bool {
			return o != t && o.name == t.name && o.uuid == t.uuid && strings.HasPrefix(o.text, t.text)
		})
	}), nil
}

func notName(r rune) bool { return unicode.IsDigit(r) || r == '@' || r == '_' }

func allLetters(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return !unicode.IsLetter(r) }) < 0
}

// search is a Filter, read.
type search struct {
	org     access.OrgID
	terms   []term
	marks   []string   // the employee has each
	lacks   [][]string // the employee has none of each
	deleted bool
	admin   bool
	byID    bool
	down    bool
	after   []string // of the sort and the ID; nil = from the start
}

var groups = map[string][]string{
	MarkState: {string(Suspended), string(Blocked)}, MarkKeyFile: {"ordered", "active", "blocked", "expired"},
	MarkCodeCard: {"active", "blocked"}, MarkInvitation: {"open", "expiring", "expired", "locked"},
	MarkProofing: {ByPrivateMitID, ByDocumentChip, InPerson, Vouched}, MarkLevel: {"none", "Substantial", "High"},
}

func (f Filter) read(org access.OrgID) (s search, err error) {
	s = search{org: org, deleted: f.State == string(Deleted), admin: f.Administrator}
	if s.terms, err = terms(f.Q); err != nil {
		return s, err
	}
	refuse := fault.New(fault.Invalid, "org.search.filter", "There is no such filter. The documentation at /api/docs lists them.")
	for _, one := range []struct{ group, value, usual string }{
		{MarkState, strings.TrimPrefix(f.State, string(Deleted)), string(Active)},
		{MarkKeyFile, f.KeyFile, "none"},
		{MarkCodeCard, f.CodeCard, "none"},
		{MarkInvitation, f.Invitation, ""},
		{MarkProofing, f.Proofing, "none"},
		{MarkLevel, f.Level, setting.Levels[0]},
	} {
		switch {
		case one.value == "":
		case one.value == one.usual:
			s.lacks = append(s.lacks, markWords(one.group))
		case slices.Contains(groups[one.group], one.value):
			s.marks = append(s.marks, markWord(one.group, one.value))
		default:
			return s, refuse.On(one.group)
		}
	}
	if f.PNumber != "" {
		if !tenDigits.MatchString(f.PNumber) {
			return s, fault.New(fault.Invalid, "org.person.p_number", "A P-number has 10 digits.").On("p_number")
		}
		s.marks = append(s.marks, markWord(MarkPNumber, f.PNumber))
	}
	if f.Anonymous {
		s.marks = append(s.marks, markWord(MarkAnonymous, "yes"))
	}
	if f.Unproven && s.deleted {
		return s, refuse.On("unproven") // nobody deleted is proved
	}
	switch f.Sort {
	case "", ByName:
	case ByNameDown:
		s.down = true
	case Newest, Oldest:
		s.byID, s.down = true, f.Sort == Newest
	default:
		return s, refuse.On("sort")
	}
	s.after, err = store.ParseCursor(f.Cursor, 2)
	return s, err
}

// unproven narrows the search to those who fail Proven where the organisation
// demands a level of everybody.
func (s *search) unproven(minimum string) {
	need := LevelRank(minimum)
	if substantial := LevelRank("Substantial"); need < substantial { // those without a CPR number need it all the same
		need = substantial
		s.marks = append(s.marks, markWord(MarkCPR, "without"))
	}
	var enough []string
	for _, level := range setting.Levels[need-1:] {
		enough = append(enough, markWord(MarkLevel, level))
	}
	s.lacks = append(s.lacks, enough)
}

func markWords(group string) []string {
	var all []string
	for _, v := range groups[group] {
		all = append(all, markWord(group, v))
	}
	return all
}

// Employees returns a page of at most 50, and the cursor of the next, "" at the
// end. A page may be short before the end: a search for what is common apart and
// rare together looks at so many employees only. Errors: fault.Denied,
// fault.Invalid.
func (s *Service) Employees(ctx context.Context, by access.Actor, f Filter) ([]Employee, string, error) {
	if err := by.Need(access.ViewEmployees); err != nil {
		return nil, "", err
	}
	q, err := f.read(by.OrgID)
	if err != nil {
		return nil, "", err
	}
	if f.Unproven {
		settings, err := setting.Of(ctx, s.DB, by.OrgID)
		if err != nil {
			return nil, "", err
		}
		q.unproven(settings.MinimumLevel)
	}
	return q.run(ctx, s.DB)
}

func (s search) run(ctx context.Context, db bun.IDB) ([]Employee, string, error) {
	if s.admin {
		return s.page(ctx, db, s.administrators(db))
	}
	if s.deleted || len(s.terms)+len(s.marks) == 0 {
		page, next, _, err := s.walk(ctx, db, "", 0)
		return page, next, err
	}
	if len(s.terms) == 1 {
		if one, ok := s.terms[0].begin(); ok {
			if page, next, done, err := s.merge(ctx, db, source{one}); done || err != nil {
				return page, next, err
			}
		}
	}
	best, n, err := s.rarest(ctx, db)
	if err != nil {
		return nil, "", err
	}
	if n <= fewRows {
		return s.page(ctx, db, s.rows(db, best))
	}
	if page, next, done, err := s.merge(ctx, db, best); done || err != nil {
		return page, next, err
	}
	base := s.base(best)
	if page, next, enough, err := s.walk(ctx, db, base, 1); enough || err != nil {
		return page, next, err
	}
	if n, err = s.count(ctx, db, best, manyRows); err != nil {
		return nil, "", err
	}
	if n <= manyRows {
		return s.page(ctx, db, s.rows(db, best))
	}
	page, next, _, err := s.walk(ctx, db, base, 0)
	return page, next, err
}

// base is the word whose employees are walked: one that everybody sought has, ""
// for the whole list.
func (s search) base(best source) string {
	switch {
	case s.byID: // no word has its employees in that order
		return ""
	case best.exact():
		return best[0].from
	}
	longest := ""
	for _, t := range s.terms {
		if head := cutRunes(letters(t.text), beginning); len(head) > len(longest) {
			longest = head
		}
	}
	if longest == "" {
		return ""
	}
	return beginMark + longest
}

// span is a range of words. like narrows it further.
type span struct {
	from, to string
	like     string
	second   string // beginning of the last word of a pair
	settles  int    // how many terms it answers for by itself
	id       string // set for a range of employees' IDs
}

// source is a set of rows of the index that holds every employee sought.
type source []span

func (s source) exact() bool { return len(s) == 1 && s[0].to == "" }

// better decides between two sources with as many rows: what needs no other
// condition, then what is in the order of the list.
func (s source) better(than source) bool {
	if s[0].settles != than[0].settles {
		return s[0].settles > than[0].settles
	}
	return s.exact() && !than.exact()
}

func prefix(text string) span { return span{from: text, to: text + string(utf8.MaxRune)} }

// sources lists the ways to look.
func (s search) sources() []source {
	var all []source
	for _, m := range s.marks {
		all = append(all, source{{from: m}})
	}
	for i, t := range s.terms {
		if t.uuid {
			continue
		}
		all = append(all, t.source(len(s.terms)))
		for j, o := range s.terms {
			if i == j || !t.name || !o.name || t.uuid || o.uuid || utf8.RuneCountInString(t.text) < pairHead {
				continue
			}
			pair := prefix(pairMark + cutRunes(t.text, pairHead) + " " + o.text)
			pair.like = escapeLike(pair.from) + "% " + escapeLike(t.text) + "%"
			pair.settles, pair.second = 2, t.text
			all = append(all, source{pair})
		}
	}
	return all
}

// begin is the beginning that a term is, if it is so short.
func (t term) begin() (span, bool) {
	return span{from: beginMark + t.text, settles: 1}, allLetters(t.text) && utf8.RuneCountInString(t.text) <= beginning
}

// source of a single term: of letters alone it is a word of the name, or the
// letters that an identifier begins with, which stand among the names.
func (t term) source(terms int) source {
	if one, ok := t.begin(); ok {
		if terms > 1 {
			one.settles = 0 // it may be that of an identifier
		}
		return source{one}
	}
	names, others := prefix(t.text), prefix(identMark+t.text)
	if terms == 1 {
		names.settles, others.settles = 1, 1
	}
	if t.name && (terms > 1 || allLetters(t.text)) {
		return source{names}
	}
	return source{names, others}
}

// rarest returns the source with the fewest rows, counted up to a bound.
func (s search) rarest(ctx context.Context, db bun.IDB) (best source, n int, err error) {
	for _, t := range s.terms {
		if t.uuid {
			return s.byUUID(t), 0, nil
		}
	}
	n = fewRows + 2
	for _, one := range s.sources() {
		count, err := s.count(ctx, db, one, fewRows)
		if err != nil {
			return nil, 0, err
		}
		if count < n || count == n && one.better(best) {
			best, n = one, count
		}
		if n <= pageSize {
			break
		}
	}
	return best, n, nil
}

// count counts the rows of a source, at most limit + 1.
func (s search) count(ctx context.Context, db bun.IDB, from source, limit int) (n int, err error) {
	for _, one := range from {
		inner := one.where(db.NewSelect().Model((*word)(nil)).ColumnExpr("1"), s.org).Limit(int64(limit + 1))
		part := 0
		if err := db.NewSelect().ColumnExpr("count(*)").TableExpr("(?) AS c", inner).Scan(ctx, &part); err != nil {
			return 0, err
		}
		if n += part; n > limit {
			break
		}
	}
	return min(n, limit+1), nil
}

func (one span) where(q *bun.SelectQuery, org access.OrgID) *bun.SelectQuery {
	q.Where("org_id = ?", org)
	if one.to == "" {
		return q.Where("word = ?", one.from)
	}
	q.Where("word >= ?", one.from).Where("word < ?", one.to)
	if one.like != "" {
		q.Where(`word LIKE ? ESCAPE '\'`, one.like)
	}
	return q
}

func escapeLike(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}
