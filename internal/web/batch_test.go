package web_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/internal/web"
)

func TestUpload(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		s := newSite(t, db)
		admin := s.admin(t, s.company)
		a := upload(t, admin,
			[2]string{"options", `{"name":"Efterår","deadline":"2027-01-31T12:00:00+01:00","parallel_days":0,"start_at":null}`},
			[2]string{"file Ærø Å 2026.csv", export(2) + ";Uden;Rid;u@nordvind.example;610155-0009\nR9;Bo;Berg;b@nordvind.example;310280-1234\n"})
		if a.Status != http.StatusCreated {
			t.Fatalf("POST /batches = %d %s", a.Status, a.Body)
		}
		var b web.Batch
		a.JSON(t, &b)
		if b.Name != "Efterår" || b.FileName != "Ærø Å 2026.csv" || b.State != "draft" || b.Total != 4 || b.Counts != (web.Counts{Pending: 2, Failed: 2}) {
			t.Errorf("batch = %s", a.Body)
		}
		if !b.Deadline.Equal(time.Date(2027, 1, 31, 11, 0, 0, 0, time.UTC)) || *b.ParallelDays != 0 || b.StartAt != nil || *b.CreatedBy != s.company.Admin.Name() {
			t.Errorf("batch = %s", a.Body)
		}
		if b.ErrorsTotal != 2 || len(b.Errors) != 2 || b.Errors[0].Line != 4 || b.Errors[0].Column != "RID" || b.Errors[1].Value != "310280-xxxx" {
			t.Errorf("errors = %+v", b.Errors)
		}
		if !strings.Contains(string(a.Body), `"deadline":"2027-01-31T11:00:00Z"`) || !strings.Contains(string(a.Body), `"eta":null`) {
			t.Errorf("instants are not RFC 3339 in UTC, or null: %s", a.Body)
		}
		a = upload(t, admin, [2]string{"file plain.csv", export(1)}, [2]string{"options", `{}`}, [2]string{"other", "is ignored"})
		if a.JSON(t, &b); b.Name != "plain.csv" || b.Deadline != nil || b.ParallelDays != nil {
			t.Errorf("without options: %s", a.Body)
		}
		if n := s.spooled(t); n != 0 {
			t.Errorf("%d uploads are left in the spool", n)
		}
	})
}

func TestUploadRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t, testkit.SQLite(t), func(o *web.Options) { o.MaxUpload = 1000 })
	admin := s.admin(t, s.company)
	long := header + strings.Repeat("R;a;b;c@nordvind.example;610150-0000\n", 40)
	before := testkit.Contents(t, s.DB)
	for _, tc := range []struct {
		name, code string
		status     int
		parts      [][2]string
	}{
		{"too large", "cutover.file.too_large", 422, [][2]string{{"file a.csv", long}}},
		{"far too large", "cutover.file.too_large", 422, [][2]string{{"file a.csv", strings.Repeat(long, 60)}}},
		{"no file", "cutover.file.absent", 422, [][2]string{{"options", "{}"}}},
		{"nothing", "cutover.file.absent", 422, nil},
		{"two files", "cutover.file.several", 422, [][2]string{{"file a.csv", export(1)}, {"file b.csv", export(1)}}},
		{"options are no JSON", "cutover.batch.options", 422, [][2]string{{"file a.csv", export(1)}, {"options", "name=a"}}},
		{"an option of another type", "cutover.batch.options", 422, [][2]string{{"options", `{"parallel_days":"ten"}`}, {"file a.csv", export(1)}}},
		{"an option out of range", "cutover.batch.parallel_days", 422, [][2]string{{"options", `{"parallel_days":-1}`}, {"file a.csv", export(1)}}},
		{"a long name", "cutover.batch.name", 422, [][2]string{{"options", `{"name":"` + strings.Repeat("ø", 201) + `"}`}, {"file a.csv", export(1)}}},
		{"an empty file", "cutover.file.empty", 422, [][2]string{{"file a.csv", ""}}},
		{"only a header", "cutover.file.no_rows", 422, [][2]string{{"file a.csv", header}}},
		{"columns are missing", "cutover.file.missing_column", 422, [][2]string{{"file a.csv", "RID;Fornavn\n1;Bo\n"}}},
	} {
		refused(t, tc.name, upload(t, admin, tc.parts...), tc.status, tc.code)
	}
	body, kind := form(t, [2]string{"file a.csv", export(3)})
	broken := io.MultiReader(io.LimitReader(body, 200), brokenOff{})
	refused(t, "broken off", admin.Do(t, http.MethodPost, "/api/v1/batches", broken, "Content-Type", kind), http.StatusUnprocessableEntity, "cutover.file.interrupted")
	body, kind = form(t, [2]string{"file a.csv", export(3)})
	endless := bytes.TrimSuffix(body.Bytes(), []byte("--\r\n"))
	for _, cut := range []int{0, 1, 20, 200} {
		a := admin.Do(t, http.MethodPost, "/api/v1/batches", bytes.NewReader(endless[:len(endless)-cut]), "Content-Type", kind)
		refused(t, "without its end", a, http.StatusUnprocessableEntity, "cutover.file.interrupted")
	}
	refused(t, "no form", admin.Do(t, http.MethodPost, "/api/v1/batches", strings.NewReader(export(1)), "Content-Type", "text/csv"),
		http.StatusUnsupportedMediaType, "http.media_type")
	for table, rows := range testkit.Contents(t, s.DB) {
		if !slices.Equal(rows, before[table]) {
			t.Errorf("refused uploads changed %s: %v", table, rows)
		}
	}
	if n := s.spooled(t); n != 0 {
		t.Errorf("%d uploads are left in the spool", n)
	}
}

// brokenOff is a connection that ends in the middle.
type brokenOff struct{}

func (brokenOff) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

// A file that cannot be taken in says why, line by line.
func TestFileErrorsAreInTheProblem(t *testing.T) {
	t.Parallel()
	s := newSite(t, testkit.SQLite(t))
	a := upload(t, s.admin(t, s.company), [2]string{"file a.csv", "RID;Telefon\n1;2\n"})
	var p web.Problem
	a.JSON(t, &p)
	if a.Status != http.StatusUnprocessableEntity || p.Errors == nil || len(*p.Errors) == 0 || p.Title == "" || p.Type != "about:blank" || p.Status != a.Status {
		t.Errorf("problem = %s", a.Body)
	}
	for _, e := range *p.Errors {
		if e.Code == "" || e.Message == "" || e.Line > 1 {
			t.Errorf("error = %+v", e)
		}
	}
}

func TestSteps(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		s := newSite(t, db)
		admin := s.admin(t, s.company)
		id := *draft(t, admin, export(3)+";x\n").ID
		do := func(step, body string) testkit.Answer {
			return admin.Do(t, http.MethodPost, "/api/v1/batches/"+id+"/"+step, strings.NewReader(body), "Content-Type", "application/json")
		}
		state := func(step, body, want string) {
			t.Helper()
			var b web.Batch
			a := do(step, body)
			if a.JSON(t, &b); a.Status != http.StatusOK || string(b.State) != want {
				t.Errorf("%s %s = %d %s, want %s", step, body, a.Status, a.Body, want)
			}
		}
		for _, step := range []string{"pause", "resume"} {
			refused(t, step+" a draft", do(step, ""), http.StatusConflict, "cutover.batch.state")
		}
		refused(t, "start with bad rows", do("start", ""), http.StatusConflict, "cutover.batch.bad_rows")
		refused(t, "start with bad rows", do("start", `{"skip_bad":false}`), http.StatusConflict, "cutover.batch.bad_rows")
		refused(t, "start at no instant", do("start", `{"skip_bad":true,"start_at":"soon"}`), http.StatusBadRequest, "http.malformed")
		for range 2 {
			state("start", `{"skip_bad":true}`, "running")
		}
		for range 2 {
			state("pause", "", "paused")
		}
		s.Drain(t)
		if b := batchIn(t, admin, http.MethodGet, id); b.Counts != (web.Counts{Pending: 3, Failed: 1}) {
			t.Errorf("a paused batch goes on: %+v", b.Counts)
		}
		for range 2 {
			state("resume", "", "running")
		}
		s.Drain(t)
		b := batchIn(t, admin, http.MethodGet, id)
		if b.State != "completed" || b.Counts != (web.Counts{Invited: 3, Failed: 1}) || b.FinishedAt == nil || b.StartedAt == nil {
			t.Errorf("batch = %+v", b)
		}
		state("start", `{"skip_bad":true}`, "completed")
		for _, step := range []string{"pause", "resume", "cancel"} {
			refused(t, step+" a completed batch", do(step, ""), http.StatusConflict, "cutover.batch.state")
		}

		id = *draft(t, admin, export(1)).ID
		for range 2 {
			state("cancel", "", "cancelled")
		}
		for _, step := range []string{"start", "pause", "resume"} {
			refused(t, step+" a cancelled batch", do(step, ""), http.StatusConflict, "cutover.batch.state")
		}
	})
}

func TestStartLater(t *testing.T) {
	t.Parallel()
	s := newSite(t, testkit.SQLite(t))
	admin := s.admin(t, s.company)
	id := *draft(t, admin, export(1)).ID
	at := s.Clock.Now().Add(time.Hour)
	var b web.Batch
	admin.Must(t, http.StatusOK, http.MethodPost, "/api/v1/batches/"+id+"/start", map[string]any{"start_at": at}, &b)
	s.Drain(t)
	if got := batchIn(t, admin, http.MethodGet, id); b.State != "running" || !b.StartAt.Equal(at) || got.Counts.Pending != 1 {
		t.Errorf("batch before its instant = %+v", got)
	}
	s.Clock.Move(59 * time.Minute)
	admin.Must(t, http.StatusOK, http.MethodGet, "/api/v1/session", nil, nil)
	s.Clock.Move(time.Minute)
	s.Drain(t)
	if got := batchIn(t, admin, http.MethodGet, id); got.State != "completed" || got.Counts.Invited != 1 {
		t.Errorf("batch at its instant = %+v", got)
	}
}

func TestRowsAndReport(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		s := newSite(t, db)
		admin := s.admin(t, s.company)
		file := export(2) + "R7;Bo;Berg;=cmd@;610150-0007\n"
		id := *draft(t, admin, file).ID
		rows := func(query string) (list web.RowList) {
			t.Helper()
			admin.Must(t, http.StatusOK, http.MethodGet, "/api/v1/batches/"+id+"/rows"+query, nil, &list)
			return list
		}
		if list := rows(""); len(list.Items) != 3 || list.Next != nil || list.Items[0].Line != 2 || list.Items[0].State != "pending" ||
			list.Items[0].EmployeeID != nil || list.Items[2].State != "failed" || list.Items[2].Reason == "" {
			t.Errorf("rows of the draft = %+v", list)
		}
		admin.Must(t, http.StatusOK, http.MethodPost, "/api/v1/batches/"+id+"/start", map[string]bool{"skip_bad": true}, nil)
		s.Drain(t)
		list := rows("?state=invited")
		if len(list.Items) != 2 || list.Items[1].RID != "R1" || list.Items[1].EmployeeID == nil {
			t.Errorf("invited rows = %+v", list)
		}
		if list := rows("?state=cancelled"); len(list.Items) != 0 || list.Items == nil {
			t.Errorf("cancelled rows = %+v", list)
		}
		refused(t, "an unknown state", admin.Do(t, http.MethodGet, "/api/v1/batches/"+id+"/rows?state=done", nil), http.StatusUnprocessableEntity, "cutover.row.state")

		a := admin.Do(t, http.MethodGet, "/api/v1/batches/"+id+"/report.csv", nil)
		text, isUTF8 := strings.CutPrefix(string(a.Body), "\uFEFF")
		reader := csv.NewReader(strings.NewReader(text))
		reader.Comma = ';'
		cells, err := reader.ReadAll()
		if err != nil || !isUTF8 || len(cells) != 3 || cells[1][1] != "notice" || cells[1][3] != "610150-xxxx" ||
			cells[2][0] != "4" || cells[2][1] != "error" || cells[2][3] != "'=cmd@" {
			t.Errorf("report = %v %q", err, a.Body)
		}
		if a.Header.Get("Content-Disposition") != `attachment; filename="report.csv"` {
			t.Errorf("report is sent as %s", a.Header.Get("Content-Disposition"))
		}
		a = admin.Do(t, http.MethodGet, "/api/v1/batches/none/report.csv", nil)
		refused(t, "the report of no batch", a, http.StatusNotFound, "cutover.batch.absent")
		if a.Header.Get("Content-Disposition") != "" {
			t.Errorf("a problem is sent as %s", a.Header.Get("Content-Disposition"))
		}
	})
}

// The code leaves the house one at a time or on paper, each time on record, and is
// in nothing else.
func TestInstallationCodes(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		s := newSite(t, db)
		admin := s.admin(t, s.company)
		id := *draft(t, admin, export(2)).ID
		letters := "/api/v1/batches/" + id + "/letters.pdf"
		refused(t, "letters of a draft", admin.Do(t, http.MethodGet, letters, nil), http.StatusNotFound, "credential.letters.none")
		admin.Must(t, http.StatusOK, http.MethodPost, "/api/v1/batches/"+id+"/start", nil, nil)
		s.Drain(t)
		var rows web.RowList
		admin.Must(t, http.StatusOK, http.MethodGet, "/api/v1/batches/"+id+"/rows", nil, &rows)
		one := "/api/v1/employees/" + *rows.Items[0].EmployeeID
		var shown web.InstallationCode
		admin.Must(t, http.StatusOK, http.MethodGet, one+"/installation-code", nil, &shown)
		for _, path := range []string{"/api/v1/batches", "/api/v1/batches/" + id, "/api/v1/batches/" + id + "/rows", "/api/v1/batches/" + id + "/report.csv", "/api/v1/employees", one} {
			a := admin.Must(t, http.StatusOK, http.MethodGet, path, nil, nil)
			for _, secret := range []string{shown.Code, strings.ReplaceAll(shown.Code, "-", ""), "code_mac", "token", "610150-0000"} {
				if strings.Contains(strings.ToUpper(string(a.Body)), strings.ToUpper(secret)) {
					t.Errorf("GET %s shows %s: %s", path, secret, a.Body)
				}
			}
		}
		a := admin.Must(t, http.StatusOK, http.MethodGet, letters+"?page=1", nil, nil)
		if !strings.HasPrefix(string(a.Body), "%PDF-") || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("letters = %v %.20q", a.Header, a.Body)
		}
		refused(t, "the page after the last", admin.Do(t, http.MethodGet, letters+"?page=2", nil), http.StatusNotFound, "credential.letters.none")
		for _, page := range []string{"0", "-1", "x", "9999999999999999999999"} {
			refused(t, "page "+page, admin.Do(t, http.MethodGet, letters+"?page="+page, nil), http.StatusUnprocessableEntity, "cutover.letters.page")
		}
		var verbs []string
		err := db.NewSelect().Table("audit_entry").Column("verb").Where("verb LIKE 'installation_code.%'").Order("verb").Scan(t.Context(), &verbs)
		if want := []string{"installation_code.print", "installation_code.print", "installation_code.show"}; err != nil || !slices.Equal(verbs, want) {
			t.Errorf("audit entries = %v, %v, want %v", verbs, err, want)
		}

		token := s.LinkToken(t, "r0@nordvind.example")
		s.client(t).Activate(t, token, shown.Code)
		s.Drain(t)
		refused(t, "the code of an activated key file", admin.Do(t, http.MethodGet, one+"/installation-code", nil), http.StatusConflict, "credential.code.none")
		if b := batchIn(t, admin, http.MethodGet, id); b.Counts != (web.Counts{Invited: 1, Activated: 1}) {
			t.Errorf("counts = %+v", b.Counts)
		}
	})
}

func TestBatchesInPages(t *testing.T) {
	t.Parallel()
	s := newSite(t, testkit.SQLite(t))
	admin := s.admin(t, s.company)
	var made, listed []string
	for range 23 {
		made = append(made, *draft(t, admin, export(1)).ID)
	}
	for cursor := ""; ; {
		var list web.BatchList
		admin.Must(t, http.StatusOK, http.MethodGet, "/api/v1/batches?cursor="+cursor, nil, &list)
		for _, b := range list.Items {
			listed = append(listed, *b.ID)
		}
		if list.Next == nil {
			break
		}
		cursor = *list.Next
	}
	slices.Reverse(made)
	if !slices.Equal(listed, made) {
		t.Errorf("pages have %v, want %v", listed, made)
	}
}
