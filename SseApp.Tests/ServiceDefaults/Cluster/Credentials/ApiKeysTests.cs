using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Tests.ServiceDefaults.Cluster.Credentials;

public sealed class ApiKeysTests
{
    private static readonly Grants s_grants = new([], ["orders.*"], []);

    [Fact]
    public void A_key_is_who_it_was_made_for_and_several_are_valid_for_a_name()
    {
        var (old, current) = (ApiKey.New(), ApiKey.New());
        var keys = Keys(old, current);
        Principal?[] found = [keys.Verify(old.Text).Principal, keys.Verify(current.Text).Principal];
        Assert.Equal(["shop", "shop"], found.Select(principal => principal?.Name));
        Assert.Equal([old.Id, current.Id], found.Select(principal => principal?.ApiKeyId));
        // Limits and idempotency keys go on with the new one.
        Assert.Equal(found[0]!.Key, found[1]!.Key);
        Assert.Equal("orders.*", found[0]!.Grants.PublishedBy("orders.1"));
    }

    [Fact]
    public void A_removed_key_is_not_valid_nor_one_with_anothers_secret()
    {
        var (kept, removed) = (ApiKey.New(), ApiKey.New());
        var keys = Keys(kept);
        Assert.Equal(AuthReason.TokenInvalid, keys.Verify(removed.Text).Reason);
        Assert.Equal(AuthReason.TokenInvalid, keys.Verify(kept.Text[..^43] + removed.Text[^43..]).Reason);
        Assert.Null(keys.Verify(kept.Text[..^43] + removed.Text[^43..]).Principal);
    }

    [Fact]
    public void Every_new_key_has_the_form_of_one()
    {
        for (var i = 0; i < 1_000; i++)
        {
            var (id, text) = ApiKey.New();
            Assert.True(ApiKey.TryParse(text, out var read), text);
            Assert.Equal(id, read);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("sse_")]
    [InlineData("sse__0123456789012345678901234567890123456789012")]
    [InlineData("sse_a_012345678901234567890123456789012345678901")]
    [InlineData("sse_a_01234567890123456789012345678901234567890123")]
    [InlineData("SSE_a_0123456789012345678901234567890123456789012")]
    [InlineData("sse_A_0123456789012345678901234567890123456789012")]
    [InlineData("sse_a_012345678901234567890123456789012345678901=")]
    [InlineData("0123456789012345678901234567890123456789012")]
    public void What_has_another_form_is_no_key(string text)
    {
        Assert.False(ApiKey.TryParse(text, out _));
        Assert.Equal(AuthReason.TokenInvalid, Keys().Verify(text).Reason);
    }

    /// <summary>A container runs as a user of its own: after its next start it could not read what somebody else's 'keys add' wrote.</summary>
    [Fact]
    public void A_new_file_is_its_users_alone_and_a_changed_one_whose_it_was()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("Windows has no such modes.");
            return;
        }

        var folder = Directory.CreateTempSubdirectory("sse-keys-");
        try
        {
            var file = Path.Combine(folder.FullName, "keys.json");
            ApiKeyStore.Write(file, []);
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));

            const UnixFileMode Readable = UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
            File.SetUnixFileMode(file, Readable);
            ApiKeyStore.Write(file, []);
            Assert.Equal(Readable, File.GetUnixFileMode(file));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static ApiKeys Keys(params (string Id, string Text)[] keys) =>
        new(keys.Select(key => new StoredApiKey(key.Id, "shop", ApiKey.Hash(key.Text), s_grants)));
}
