<?php
// Whether this browser is logged in at the identity provider: "in" or "out".
require '/usr/share/simplesamlphp/lib/_autoload.php';
$person = new SimpleSAML\Auth\Simple('person');
echo $person->isAuthenticated() ? 'in' : 'out';
