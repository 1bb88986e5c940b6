package web_test

var authorityRules = []rule{
	{route: "POST /api/v1/key-file/block", right: open, body: "{}", want: 422},
	{route: "GET /ca/root.cer", right: open, want: 200},
	{route: "GET /ca/root.crl", right: open, want: 200},
	{route: "GET /ca/issuing.cer", right: open, want: 200},
	{route: "GET /ca/issuing.crl", right: open, want: 200},
	{route: "GET /ca/:number/issuing.cer", right: open, want: 404},
	{route: "GET /ca/:number/issuing.crl", right: open, want: 404},
	{route: "GET /ca/:number/crl/:part", right: open, want: 404},
	{route: "POST /ca/ocsp", right: open, want: 415},
	{route: "GET /ca/ocsp/*", right: open, want: 200}, // and "malformed" in it
}
