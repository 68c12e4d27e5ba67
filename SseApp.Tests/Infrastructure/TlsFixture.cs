namespace SseApp.Tests.Infrastructure;

/// <summary>A certificate for all tests of a class.</summary>
public sealed class TlsFixture : IDisposable
{
    internal TestCertificate Certificate { get; } = new();

    public void Dispose() => Certificate.Dispose();
}
