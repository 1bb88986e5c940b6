package demo

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/credential"
	"github.com/adgang/adgang/internal/cutover"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
)

// Host of the e-mail addresses that cutover.Sample makes up.
const sampleHost = "nordvind.example"

// plant is a fictitious organisation. Its CVR number fails modulus 11, so it is
// nobody's.
type plant struct {
	founding credential.Founding
	host     string
	rows     int
	seed     uint64
	plan     cutover.Plan
}

// company is the organisation that a newcomer administers: 40 chunks of 25
// rows, one each half second, take 20 seconds.
var company = plant{
	founding: credential.Founding{
		CVR: "11223344", Name: "Nordvind Pumper A/S (fiktiv)",
		GivenName: "Asta", Surname: "Nordvind", Email: "asta@" + sampleHost,
	},
	host: sampleHost, rows: 1000, seed: 2023,
	plan: cutover.Plan{
		Name: "Alle medarbejdere med nøglekort", FileName: "nordvind-pumper.csv",
		Pace: 500 * time.Millisecond, ChunkRows: 25,
	},
}

// club is there so that there is a second organisation, whose people the first
// one never sees.
var club = plant{
	founding: credential.Founding{
		CVR: "55667788", Name: "Fjordby Roklub (fiktiv forening)",
		GivenName: "Bo", Surname: "Fjordby", Email: "bo@fjordby-roklub.example",
	},
	host: "fjordby-roklub.example", rows: 12, seed: 7,
	plan: cutover.Plan{Name: "Bestyrelse og trænere", FileName: "fjordby-roklub.csv"},
}

// fact is a row of installation.
type fact struct {
	bun.BaseModel `bun:"table:installation"`

	Name  string `bun:"name,pk"`
	Value string `bun:"value"`
}

// seeded is the fact that both organisations were made.
const seeded = "demo.seeded"

// Seed makes what is missing of the demo and returns where it is. Each step
// looks first whether it was done, so a start that was cut short is completed
// by the next one. What people change in a finished demo stays changed; only
// what it cannot do without is made again: a deleted key file, with a new key,
// the export to try, and the registration of the service.
func (s *Service) Seed(ctx context.Context) (Access, error) {
	a := s.access()
	done, err := s.DB.NewSelect().Model((*fact)(nil)).Where("name = ?", seeded).Exists(ctx)
	if err != nil {
		return Access{}, fmt.Errorf("look whether the demo is seeded: %w", err)
	}
	o, admin, err := s.administrator(ctx, a)
	if err != nil {
		return Access{}, fmt.Errorf("seed the administrator: %w", err)
	}
	if a.Password, err = readLine(a.PasswordFile); err != nil {
		return Access{}, err
	}
	if err := s.export(a.Export); err != nil {
		return Access{}, fmt.Errorf("write the export to try: %w", err)
	}
	if err := s.register(ctx, o.ID); err != nil {
		return Access{}, fmt.Errorf("register the demo's service: %w", err)
	}
	if a.Operator, err = s.onboard(ctx, done); err != nil {
		return Access{}, fmt.Errorf("seed the operator: %w", err)
	}
	if done {
		return a, s.ownLogin(ctx, true)
	}
	if err := s.other(ctx); err != nil {
		return Access{}, fmt.Errorf("seed the second organisation: %w", err)
	}
	if err := s.ownLogin(ctx, false); err != nil {
		return Access{}, fmt.Errorf("seed the second organisation's login: %w", err)
	}
	if err := s.bulk(ctx, admin); err != nil {
		return Access{}, fmt.Errorf("seed a bulk change: %w", err)
	}
	all := access.Actor{OrgID: o.ID, ID: "command", Name: admin.Name, Employee: admin.Employee, Roles: access.Roles}
	if err := s.entitle(ctx, all); err != nil {
		return Access{}, fmt.Errorf("seed rights in the service: %w", err)
	}
	if err := s.openService(ctx, all); err != nil {
		return Access{}, fmt.Errorf("open the service to both organisations: %w", err)
	}
	if err := s.stock(ctx, all); err != nil {
		return Access{}, fmt.Errorf("seed the inventory: %w", err)
	}
	// Last, for its twenty seconds begin here.
	if err := s.migrate(ctx, admin, company); err != nil {
		return Access{}, fmt.Errorf("seed %s: %w", company.plan.FileName, err)
	}
	return a, s.finish(ctx, o.ID)
}

func (s *Service) finish(ctx context.Context, first access.OrgID) error {
	one := fact{Name: seeded, Value: store.Instant(s.Now()).Format(time.RFC3339)}
	if _, err := s.DB.NewInsert().Model(&one).On("CONFLICT (name) DO NOTHING").Exec(ctx); err != nil {
		return fmt.Errorf("mark the demo as seeded: %w", err)
	}
	s.Log.InfoContext(ctx, "demo seeded", "org", first)
	return nil
}

// other makes the second organisation, whose administrator stays uninvited.
func (s *Service) other(ctx context.Context) error {
	o, err := s.Org.ByCVR(ctx, club.founding.CVR)
	if fault.KindOf(err) == fault.Absent {
		o, _, _, err = s.Credential.Found(ctx, club.founding)
	}
	if err != nil {
		return err
	}
	return s.migrate(ctx, access.Command(o.ID), club)
}

// migrate takes the plant's employees through import and migration, as an
// administrator's upload would. The batch is known by the name of its file.
func (s *Service) migrate(ctx context.Context, by access.Actor, p plant) error {
	batches, _, err := s.Cutover.Batches(ctx, by, "")
	if err != nil {
		return err
	}
	for _, b := range batches {
		if b.FileName == p.plan.FileName {
			return s.start(ctx, by, b)
		}
	}
	var export bytes.Buffer
	if err := cutover.Sample(&export, cutover.SampleOptions{Rows: p.rows, Seed: p.seed}); err != nil {
		return err
	}
	file := bytes.NewReader(bytes.ReplaceAll(export.Bytes(), []byte("@"+sampleHost), []byte("@"+p.host)))
	b, err := s.Cutover.Create(ctx, by, file, p.plan)
	if err != nil {
		return err
	}
	return s.start(ctx, by, b)
}

func (s *Service) start(ctx context.Context, by access.Actor, b cutover.View) error {
	if b.State != cutover.Draft {
		return nil
	}
	return s.Cutover.Start(ctx, by, b.ID, false, nil)
}

// export writes the file that a newcomer tries an upload with.
func (s *Service) export(path string) error {
	if there, err := exists(path); there || err != nil {
		return err
	}
	return write(path, cutover.SampleMistakes)
}

// founder returns the first administrator of an organisation of the demo.
func (s *Service) founder(ctx context.Context, f credential.Founding) (org.Organisation, org.Employee, error) {
	o, err := s.Org.ByCVR(ctx, f.CVR)
	if err != nil {
		return o, org.Employee{}, err
	}
	var e org.Employee
	err = s.DB.NewSelect().Model(&e).Where("org_id = ?", o.ID).Where("email = ?", f.Email).
		Order("created_at", "id").Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("%s has no employee %s any more", f.Name, f.Email)
	}
	return o, e, err
}
