<?php
// Logs out of the service and, through it, of the identity provider; then "bye"
// and the status that came back.
require '/usr/share/simplesamlphp/lib/_autoload.php';
if (isset($_GET['State'])) {
    $state = SimpleSAML\Auth\State::loadState($_GET['State'], 'ended');
    echo 'bye ' . json_encode($state['saml:sp:LogoutStatus'] ?? null);
    exit;
}
$service = new SimpleSAML\Auth\Simple('default-sp');
$service->logout(['ReturnTo' => '{{.URL}}/logout.php', 'ReturnStateParam' => 'State', 'ReturnStateStage' => 'ended']);
