package demo

import (
	"context"
	"strings"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/roster"
)

// newcomers is the file of the demo's bulk change: three who begin, one whose
// telephone number is new, and two lines to correct.
const newcomers = `Medarbejdernummer;Fornavn;Efternavn;E-mail;Telefon;Fødselsdato;RID
N90001;Liv;Ågesen;liv.aagesen@nordvind.example;+45 00 10 20 30;14-02-1991;
N90002;Øjvind;Kærgård;oejvind.kaergaard@nordvind.example;;03-11-1984;
N90003;Søs;Brændgård;soes.braendgaard@nordvind.example;+45 00 10 20 32;29-02-1988;
;;;Asta.Ravn@nordvind.example;+45 00 99 88 77;;
N90004;Ib;;ib(at)nordvind.example;;01-05-1979;
N90005;;Uden Fornavn;uden.fornavn@nordvind.example;;12-12-1975;
`

// bulk leaves a bulk change as a draft, so that there is a difference to look at.
func (s *Service) bulk(ctx context.Context, by access.Actor) error {
	runs, _, err := s.Roster.Runs(ctx, by, "")
	if err != nil || len(runs) > 0 {
		return err
	}
	_, err = s.Roster.Create(ctx, by, strings.NewReader(newcomers), roster.Plan{
		Name: "Nye medarbejdere i december", FileName: "nye-medarbejdere.csv", Mode: roster.Upsert, Invite: true,
	})
	return err
}
