<?php
// What the service provider took from the assertion, as JSON; logs in first.
require '/usr/share/simplesamlphp/lib/_autoload.php';
$service = new SimpleSAML\Auth\Simple('default-sp');
$service->requireAuth(['KeepPost' => false]);
$name = $service->getAuthData('saml:sp:NameID');
SimpleSAML\Session::getSessionFromRequest()->cleanup();
header('Content-Type: application/json');
echo json_encode(['name' => $name->getValue(), 'session' => $service->getAuthData('saml:sp:SessionIndex'), 'attributes' => $service->getAttributes()]);
