<?php
// Whether this browser is logged in: "in" or "out".
require '/usr/share/simplesamlphp/lib/_autoload.php';
$service = new SimpleSAML\Auth\Simple('default-sp');
echo $service->isAuthenticated() ? 'in' : 'out';
