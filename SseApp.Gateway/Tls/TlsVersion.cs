namespace SseApp.Gateway.Tls;

public enum TlsVersion
{
    Tls12,
    Tls13,
}
