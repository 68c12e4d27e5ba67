namespace SseApp.Gateway.Limits;

internal enum StreamAdmission
{
    Admitted,
    ClientFull,
    GatewayFull,
}
