using Microsoft.AspNetCore.Connections;
using SseApp.ServiceDefaults.Cluster.Credentials;
using SseApp.ServiceDefaults.Defaults.Descriptors;

namespace SseApp.Tests.ServiceDefaults.Cluster.Credentials;

/// <summary>What a connection remembers of who publishes over it.</summary>
public sealed class KnownCallerTests
{
    private readonly Revocations _revocations = new();
    private readonly FakeTimeProvider _time = new(TimeProvider.System.GetUtcNow());
    private readonly ConnectionSlot _connection = new(new DefaultConnectionContext(), null);
    private readonly CredentialService _credentials;

    public KnownCallerTests() => _credentials = Tokens.Service(_revocations, _time);

    [Fact]
    public async Task The_same_text_is_the_same_caller_until_a_minute_later()
    {
        var token = Tokens.Make(["t"], ["t"]);
        var first = await FindAsync(token);
        Assert.NotNull(first.Principal);
        Assert.Same(first, await FindAsync(token));
        // The same in another string: HTTP/2 has several requests at a time.
        Assert.Same(first, await FindAsync(new string(token.AsSpan())));
        _time.Advance(TimeSpan.FromSeconds(61));
        var later = await FindAsync(token);
        Assert.NotSame(first, later);
        Assert.Equal("alice", later.Principal?.Name);
    }

    [Fact]
    public async Task Another_text_is_another_caller_however_much_of_it_is_the_same()
    {
        var token = Tokens.Make(["t"], ["t"]);
        var first = await FindAsync(token);
        foreach (var other in new[] { token[..^1], token + "A", token[..^2] + "AA", "" })
        {
            Assert.Equal(AuthReason.TokenInvalid, (await FindAsync(other)).Reason);
            // And it takes nobody's place.
            Assert.Same(first, await FindAsync(token));
        }

        var bob = await FindAsync(Tokens.Make(["t"], ["t"], "bob"));
        Assert.Equal("bob", bob.Principal?.Name);
        Assert.Equal("alice", (await FindAsync(token)).Principal?.Name);
    }

    [Fact]
    public async Task It_ends_with_its_token()
    {
        var token = Tokens.Make(["t"], ["t"], life: TimeSpan.FromSeconds(20));
        var first = await FindAsync(token);
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Same(first, await FindAsync(token));
        // From there on it is verified, as whatever may be within what clocks differ by. The platform's verification has the machine's clock.
        _time.Advance(TimeSpan.FromSeconds(15));
        Assert.NotSame(first, await FindAsync(token));
    }

    [Fact]
    public async Task It_ends_with_a_revocation()
    {
        var token = Tokens.Make(["t"], ["t"], change: claims => claims["jti"] = "j1");
        var first = await FindAsync(token);
        Assert.Same(first, await FindAsync(token));
        _revocations.Add(new Revocation(RevocationKind.TokenId, "j1", null, null, _time.GetUtcNow(), _time.GetUtcNow().AddHours(1)));
        Assert.Equal(AuthReason.TokenRevoked, (await FindAsync(token)).Reason);
    }

    private ValueTask<Caller> FindAsync(string token)
    {
        var context = new DefaultHttpContext();
        context.Features.Set(_connection);
        context.Request.Method = HttpMethods.Post;
        context.Request.Headers.Authorization = $"Bearer {token}";
        return CredentialHandler.FindAsync(context.Request, _credentials);
    }
}
