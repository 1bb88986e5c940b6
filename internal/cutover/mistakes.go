package cutover

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

const mistakesHeader = "RID;Fornavn;Efternavn;E-mail;Telefon;CPR;Signaturtype;Status;P-nummer;SE-nummer;Medarbejdernummer;Fødselsdato;Afdeling\n"

// Cells of a row under mistakesHeader.
const (
	inRID = iota
	inGiven
	inSurname
	inEmail
	inPhone
	inCPR
	inCarrier
	inStatus
	inPNumber
	inSENumber
	inUserID
	inBirth
	inTeam
	inEnd
)

// mistakes change one row each. Dates that do not exist and days above 60 keep
// them clear of real CPR numbers.
var mistakes = []struct {
	cell int
	text string
}{
	{inRID, ""},
	{inRID, "1,29986E+12"},
	{inRID, strings.Repeat("0123456789", 7)},
	{inGiven, ""},
	{inGiven, "?"},
	{inGiven, "SÃ¸ren"},
	{inSurname, strings.Repeat("von Nordvind ", 9)},
	{inSurname, "\"Dahl\nSkov\""},
	{inEmail, ""},
	{inEmail, "hanne.dahl(at)nordvind.example"},
	{inEmail, "hanne@nordvind.example, post@nordvind.example"},
	{inEmail, "søren.østergård@nordvind.example"},
	{inPhone, "via omstillingen"},
	{inPhone, "#N/A"},
	{inCPR, ""},
	{inCPR, "ukendt"},
	{inCPR, "710190123"},
	{inCPR, "310280-1234"},
	{inCPR, "0000000000"},
	{inCPR, "7,10190E+09"},
	{inBirth, "31-02-1980"},
	{inBirth, "01-01-2190"},
	{inBirth, "24.12.1901"},
	{inCarrier, "Nøgleapp"},
	{inCarrier, "Nøglefil"},
	{inStatus, "Orlov"},
	{inStatus, "Spærret"},
	{inPNumber, "12345"},
	{inSENumber, "1234567"},
	{inUserID, strings.Repeat("M", 65)},
	{inUserID, "=1+1"}, // text, and no mistake
	{inTeam, "\"Drift; \"\"Nord\"\"\nAarhus\""},
}

// SampleMistakes writes a fictitious export of 200 rows, most of them right,
// with each mistake that the checks know: the errors of mistakes above, cells
// missing and too many, an open quote, and rows that repeat an earlier one.
func SampleMistakes(w io.Writer) error {
	b := bufio.NewWriter(w)
	_, _ = b.WriteString(mistakesHeader)
	rows := make([][inEnd]string, 200)
	for i := range rows {
		p := person(1, i, 1, 0)
		copy(rows[i][:], p[:])
		rows[i][inTeam] = "Drift"
	}
	for i, m := range mistakes {
		rows[4*i+5][m.cell] = m.text
	}
	after := rows[4*len(mistakes)+5:] // every fourth of which repeats the first rows in part
	after[0][inRID] = rows[0][inRID]
	after[4][inCPR] = rows[1][inCPR]
	after[8][inEmail] = strings.ToUpper(rows[2][inEmail])
	after[12][inGiven], after[12][inSurname] = rows[3][inGiven], rows[3][inSurname]
	after[12][inCPR] = rows[3][inCPR][:7] + "3999"
	after[16][inSurname] = `Skov "Skovmand" Dahl`
	for i := range rows {
		line := strings.Join(rows[i][:], ";")
		switch i {
		case len(rows) - 9:
			line += ";én celle for meget"
		case len(rows) - 5:
			line = strings.Join(rows[i][:inStatus], ";")
		}
		_, _ = b.WriteString(line + "\n")
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write the sample: %w", err)
	}
	return nil
}
