using BenchmarkDotNet.Attributes;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.MicroBench;

/// <summary>Whether a credential was revoked: asked at every connect and every request that has one.</summary>
[MemoryDiagnoser]
public class RevocationBenchmarks
{
    private const string Issuer = "https://identity.example.com/realms/main";

    private readonly Revocations _revocations = new();
    private Principal[] _principals = [];
    private int _next;

    /// <summary>Entries of the list.</summary>
    [Params(0, 100_000)]
    public int Entries { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var now = TimeProvider.System.GetUtcNow();
        for (var i = 0; i < Entries; i++)
        {
            _revocations.Add(new Revocation(i % 2 == 0 ? RevocationKind.TokenId : RevocationKind.Subject, $"{Guid.NewGuid():N}", i % 3 == 0 ? Issuer : null, now, now, now.AddDays(1)));
        }

        // None of them is on the list: that takes all the looks. Many, so that they are not all in the processor's cache.
        _principals = [.. Enumerable.Range(0, 10_000).Select(_ => new Principal
        {
            Kind = CredentialKind.Token,
            Key = $"{Guid.NewGuid():N}",
            Name = $"{Guid.NewGuid():N}",
            Issuer = Issuer,
            TokenId = $"{Guid.NewGuid():N}",
            Fingerprint = Convert.ToBase64String(Guid.NewGuid().ToByteArray()),
            IssuedAt = now,
            ExpiresAt = now.AddHours(1),
            Grants = Grants.None,
        })];
    }

    [Benchmark]
    public bool IsRevoked() => _revocations.IsRevoked(_principals[_next++ % _principals.Length]);
}
