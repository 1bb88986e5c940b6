<?php
$config = [
    'default-sp' => [
        'saml:SP',
        'entityID' => '{{.URL}}/sp',
        'idp' => {{if .IdP}}'{{.IdP}}'{{else}}null{{end}},
        'privatekey' => 'peer.key',
        'certificate' => 'peer.crt',
        'sign.authnrequest' => true,
        'sign.logout' => true,
        'redirect.sign' => true,
        'redirect.validate' => true,
        'validate.logout' => true,
        'assertion.encryption' => true,
        'WantAssertionsSigned' => true,
        'NameIDPolicy' => ['Format' => 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent', 'AllowCreate' => true],
{{range .SP}}        {{.}}
{{end}}    ],
    'person' => [
{{if .Password}}        'exampleauth:UserPass',
        'bo:{{.Password}}' => [
{{else}}        'exampleauth:StaticSource',
{{end}}        'uid' => ['bo'],
        'eduPersonPrincipalName' => ['bo@nordvind.example'],
        'nameid' => ['bo@NORDVIND'],
{{range .Person}}        {{.}}
{{end}}{{if .Password}}        ],
{{end}}    ],
];
