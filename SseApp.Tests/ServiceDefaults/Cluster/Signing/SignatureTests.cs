using Microsoft.AspNetCore.Http.Features;
using SseApp.ServiceDefaults.Cluster.Signing;
using SseApp.ServiceDefaults.Defaults.Keys;

namespace SseApp.Tests.ServiceDefaults.Cluster.Signing;

public sealed class SignatureTests
{
    private const string Replica = "r1";
    private const string Target = "/admin/topics/a%2Fb/disconnect?permanent=true";

    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(50));
    private readonly RecordSignature _records;
    private readonly RequestSignature _requests;

    public SignatureTests() => (_records, _requests) = (new RecordSignature(ClusterKey.Keys, _time), new RequestSignature(ClusterKey.Keys, _time));

    [Fact]
    public void A_record_is_read_as_it_was_signed_and_with_any_change_of_it_not_at_all() =>
        Gen.Select(Gen.String[1, 20], Gen.String[0, 60], Gen.Int[0, 10_000], Gen.Char[' ', '~']).Sample((place, value, at, other) =>
        {
            var body = JsonSerializer.Serialize(new { value });
            var signed = _records.Sign(ForgedKind.Record, place, body);
            Assert.Equal(body, _records.Verify(ForgedKind.Record, place, signed, out _)?.Body);

            at %= signed.Length;
            Assert.Null(_records.Verify(ForgedKind.Record, place, signed.Remove(at, 1), out _));
            Assert.Null(_records.Verify(ForgedKind.Record, place, signed.Insert(at, other.ToString()), out _));
            if (signed[at] != other)
            {
                Assert.Null(_records.Verify(ForgedKind.Record, place, signed.Remove(at, 1).Insert(at, other.ToString()), out _));
            }

            Assert.Null(_records.Verify(ForgedKind.Command, place, signed, out _));
            Assert.Null(_records.Verify(ForgedKind.Record, place + other, signed, out _));
            Assert.Null(_records.Verify(ForgedKind.Record, place, body, out _));
        });

    [Fact]
    public void A_request_is_known_as_it_was_signed_and_with_any_change_of_it_not_at_all() =>
        Gen.Select(Gen.String[Gen.Char['!', '~'], 0, 40], Gen.Int[0, 10_000], Gen.Char['!', '~']).Sample((target, at, other) =>
        {
            target = "/" + target;
            var header = Sign("GET", target);
            Assert.Null(Verify("POST", target, header));
            Assert.Null(Verify("GET", target + other, header));
            Assert.Null(Verify("GET", target, header, Replica + other));
            at %= header.Length;
            Assert.Null(Verify("GET", target, header.Remove(at, 1)));
            Assert.Null(Verify("GET", target, header.Insert(at, other.ToString())));
            if (header[at] != other)
            {
                Assert.Null(Verify("GET", target, header.Remove(at, 1).Insert(at, other.ToString())));
            }

            Assert.Equal(RequestPurpose.Client, Verify("GET", target, header));
        });

    [Theory]
    [InlineData("POST", "/admin/topics/a%2Fb/disconnect?permanent=true", "r1", true)]
    [InlineData("DELETE", "/admin/topics/a%2Fb/disconnect?permanent=true", "r1", false)]
    [InlineData("POST", "/admin/topics/a/b/disconnect?permanent=true", "r1", false)]
    [InlineData("POST", "/admin/topics/a%2Fb/disconnect", "r1", false)]
    [InlineData("POST", "/admin/topics/a%2Fb/disconnect?permanent=false", "r1", false)]
    [InlineData("POST", "/admin/topics/a%2Fb/disconnect?permanent=true", "r2", false)]
    public void A_signature_is_good_for_one_request_to_one_replica(string method, string target, string replica, bool expected) =>
        Assert.Equal(expected, Verify(method, target, Sign("POST", Target, RequestPurpose.Operator), replica) is RequestPurpose.Operator);

    [Fact]
    public void A_signature_is_good_once_and_for_a_minute_in_both_directions()
    {
        var header = Sign("POST", Target);
        Assert.NotNull(Verify("POST", Target, header));
        Assert.Null(Verify("POST", Target, header));

        var ahead = Sign("POST", Target);
        var late = Sign("POST", Target);
        var tooLate = Sign("POST", Target);
        _time.Advance(RecordSignature.Lifetime);
        Assert.NotNull(Verify("POST", Target, late));
        var future = Sign("POST", Target);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Null(Verify("POST", Target, tooLate));
        Assert.Null(Verify("POST", Target, ahead));
        var clock = new RequestSignature(ClusterKey.Keys, new FakeTimeProvider(_time.GetUtcNow() - RecordSignature.Lifetime - TimeSpan.FromMilliseconds(2)));
        Assert.Null(Verify("POST", Target, future, verifier: clock));
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("o.1577836800000.0011223344556677.1.")]
    [InlineData("o.99999999999999999999.0011223344556677.1.00")]
    [InlineData("o.9223372036854775807.0011223344556677.9223372036854775807.00")]
    [InlineData("o.-1.0011223344556677.-1.00")]
    [InlineData("z.1.0011223344556677.1.00")]
    [InlineData("o.....")]
    public void What_is_no_signature_is_none(string header) => Assert.Null(Verify("POST", Target, header));

    [Fact]
    public void Requests_may_overtake_each_other_but_none_counts_twice_however_many_there_are()
    {
        var windows = new ReplayWindows(_time);
        Gen.Int[1, 200_000].Array[1, 2_000].Sample(
            numbers =>
            {
                // A sender of its own for each try.
                var sender = BitConverter.ToUInt64(Guid.NewGuid().ToByteArray());
                var accepted = new HashSet<int>();
                var highest = 0;
                foreach (var number in numbers)
                {
                    highest = Math.Max(highest, number);
                    Assert.Equal(number > highest - ReplayWindows.Size && accepted.Add(number), windows.TryAccept(sender, number));
                }
            },
            iter: 50,
            threads: 1);
    }

    [Fact]
    public void Senders_are_bounded_and_those_that_are_silent_make_room()
    {
        var windows = new ReplayWindows(_time);
        for (var sender = 0UL; sender < ReplayWindows.MaxSenders; sender++)
        {
            Assert.True(windows.TryAccept(sender, 1));
        }

        Assert.False(windows.TryAccept(ulong.MaxValue, 1));
        _time.Advance(2 * RecordSignature.Lifetime + TimeSpan.FromSeconds(1));
        Assert.True(windows.TryAccept(ulong.MaxValue, 1));
    }

    [Fact]
    public void While_keys_change_everybody_believes_everybody()
    {
        byte[] old = new byte[32], next = [.. Enumerable.Repeat((byte)7, 32)], strange = [.. Enumerable.Repeat((byte)9, 32)];
        var before = new RecordSignature(new GatewayKeys(old), _time);
        var during = new RecordSignature(new GatewayKeys(next, old), _time);
        var after = new RecordSignature(new GatewayKeys(next), _time);
        RecordSignature[] all = [before, during, after];

        var believed = all.Select(writer => string.Concat(all.Select(reader =>
            reader.Verify(ForgedKind.Record, "p", writer.Sign(ForgedKind.Record, "p", "{\"a\":1}"), out _) is null ? '-' : '+')));
        Assert.Equal(["++-", "+++", "-++"], believed);
        Assert.Null(during.Verify(ForgedKind.Record, "p", new RecordSignature(new GatewayKeys(strange), _time).Sign(ForgedKind.Record, "p", "{\"a\":1}"), out _));
    }

    [Fact]
    public void Requests_are_believed_while_keys_change_and_no_longer_when_theirs_is_gone()
    {
        byte[] old = new byte[32], next = [.. Enumerable.Repeat((byte)7, 32)], strange = [.. Enumerable.Repeat((byte)9, 32)];
        GatewayKeys[] keys = [new(old), new(next, old), new(next), new(strange), new(strange, [.. Enumerable.Repeat((byte)8, 32)])];
        // What each receiver knows of a sender stays from one request to the next.
        var senders = Array.ConvertAll(keys, key => new RequestSignature(key, _time));
        var receivers = Array.ConvertAll(keys[..3], key => new RequestSignature(key, _time));

        for (var request = 0; request < 3; request++)
        {
            var believed = senders.Select(sender => string.Concat(receivers.Select(receiver =>
                Verify("POST", Target, sender.Sign("POST", Target, Replica, RequestPurpose.Client), verifier: receiver) is null ? '-' : '+')));
            Assert.Equal(["++-", "+++", "-++", "---", "---"], believed);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(200)]
    [InlineData(700)]
    [InlineData(5_000)]
    public void A_target_of_any_length_is_signed(int length)
    {
        var target = "/" + new string('a', length);
        var header = Sign("GET", target);
        Assert.Null(Verify("GET", target + "a", header));
        Assert.Null(Verify("GET", target[..^1] + "b", header));
        Assert.Equal(RequestPurpose.Client, Verify("GET", target, header));
        var id = new string('é', 300);
        Assert.NotNull(Verify("GET", target, _requests.Sign("GET", target, id, RequestPurpose.Client), id, new RequestSignature(ClusterKey.Keys, _time)));
    }

    [Theory]
    [InlineData("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", true)]
    [InlineData(" AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n", true)]
    [InlineData("000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F", true)]
    [InlineData("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ", true)]
    [InlineData("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh", false)]
    [InlineData("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gIQ==", false)]
    [InlineData("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e", false)]
    [InlineData("a password with 43 characters, as people do", false)]
    [InlineData("", false)]
    public void A_key_has_32_bytes_however_it_is_written(string text, bool expected) => Assert.Equal(expected, KeyText.TryParse(text, out _));

    [Theory]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", true)]
    [InlineData("6161616161616161616161616161616161616161616161616161616161616161", true)]
    [InlineData("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", true)]
    [InlineData("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", true)]
    [InlineData("fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0", true)]
    [InlineData("passwordpasswordpasswordpasswordpasswordpas", true)]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000001", true)]
    [InlineData("3fa9c17e5b2d8846f0617393ae1c52d98b04e7f6a53dcc2871909fbd4a36e215", false)]
    public void A_key_that_nobody_can_have_drawn_is_known(string text, bool guessable)
    {
        Assert.True(KeyText.TryParse(text, out var key));
        Assert.Equal(guessable, KeyText.IsGuessable(key));
    }

    [Fact]
    public void What_random_numbers_make_is_never_taken_for_guessable()
    {
        for (var i = 0; i < 100_000; i++)
        {
            Assert.False(KeyText.IsGuessable(System.Security.Cryptography.RandomNumberGenerator.GetBytes(KeyText.Length)));
        }
    }

    private string Sign(string method, string target, RequestPurpose purpose = RequestPurpose.Client) => _requests.Sign(method, target, Replica, purpose);

    private RequestPurpose? Verify(string method, string target, string header, string replica = Replica, RequestSignature? verifier = null)
    {
        var context = new DefaultHttpContext();
        context.Request.Method = method;
        context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget = target;
        context.Request.Headers[RequestSignature.Header] = header;
        return (verifier ?? _requests).Verify(context, replica, out _);
    }
}
