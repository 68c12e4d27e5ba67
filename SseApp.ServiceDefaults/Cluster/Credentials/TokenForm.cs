using System.Buffers.Text;
using System.Text;
using System.Text.Unicode;

namespace SseApp.ServiceDefaults.Cluster.Credentials;

/// <summary>
/// What a token must look like before anybody asks who made it. There is one text for each token, so that nobody gets a second one
/// of a token that was taken back; and a member has the type that RFC 7515 and 7519 give it, so that nothing behind stumbles.
/// It is read once, from end to end, and where its claims stand is kept: a document of it costs three times as much.
/// </summary>
internal sealed class TokenForm : IDisposable
{
    // The last time that a DateTime has.
    private const double MaxTime = 253_402_300_799;

    private const string NotThreeParts = "It has not the three parts of a signed JSON Web Token.";
    private const string NoJson = "Its header or its payload is no JSON, or names a member twice.";

    // Each name is compared with those before it; the parser's way, which takes a table, is for tokens with more.
    private const int MaxCompared = 24;

    private const int MaxNameOnStack = 128;

    private static readonly SearchValues<char> s_digits = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    private static readonly JsonDocumentOptions s_json = new() { AllowDuplicateProperties = false };

    private static readonly byte[][] s_headerTexts = ["alg"u8.ToArray(), "typ"u8.ToArray(), "kid"u8.ToArray(), "cty"u8.ToArray(), "x5t"u8.ToArray(), "x5t#S256"u8.ToArray()];

    // The last one with which nothing was wrong: all tokens that an issuer signs with one key have the same.
    private static volatile string? s_soundHeader;

    // Rented, because a token is read at each connect, and given back empty, because it is part of a credential.
    private readonly byte[] _bytes;
    private Member[] _members = ArrayPool<Member>.Shared.Rent(MaxCompared);
    private int _count;

    private TokenForm(int length) => _bytes = ArrayPool<byte>.Shared.Rent(length);

    private ReadOnlySpan<Member> Members => _members.AsSpan(0, _count);

    public void Dispose()
    {
        // Nothing of a token stands in it but names with escapes.
        ArrayPool<Member>.Shared.Return(_members, clearArray: true);
        ArrayPool<byte>.Shared.Return(_bytes, clearArray: true);
    }

    /// <summary>The part of a token that is signed: its header and its payload.</summary>
    public static ReadOnlySpan<char> SignedText(ReadOnlySpan<char> token) => token[..token.LastIndexOf('.')];

    /// <returns>Null when something is wrong with it.</returns>
    /// <param name="token">Its text.</param>
    /// <param name="lists">Names, in UTF-8, of claims that are a text or a list of texts, besides <c>aud</c>.</param>
    /// <param name="fault">What is wrong with it.</param>
    public static TokenForm? Parse(ReadOnlySpan<char> token, byte[][] lists, out string? fault)
    {
        var first = token.IndexOf('.');
        var last = token.LastIndexOf('.');
        if (first == last || token[(first + 1)..last].Contains('.'))
        {
            fault = NotThreeParts;
            return null;
        }

        var header = token[..first];
        var payload = token[(first + 1)..last];
        var signature = token[(last + 1)..];
        var isKnown = header.SequenceEqual(s_soundHeader);
        if (!(isKnown || IsCanonical(header)) || !IsCanonical(payload) || !IsCanonical(signature))
        {
            fault = "A part of it is not in base64url without padding, as its issuer writes it. Send the token as you got it.";
            return null;
        }

        var form = new TokenForm(Base64Url.GetMaxDecodedLength(Math.Max(header.Length, payload.Length)));
        fault = isKnown ? null : form.Read(header, lists: null);
        if (fault is null)
        {
            s_soundHeader = isKnown ? s_soundHeader : header.ToString();
            fault = form.Read(payload, lists);
        }

        if (fault is null)
        {
            return form;
        }

        form.Dispose();
        return null;
    }

    /// <summary>The texts of a claim: itself, or those in its list. What is no text is no pattern, no name and no scope.</summary>
    public string[] Texts(string claim)
    {
        var most = Encoding.UTF8.GetMaxByteCount(claim.Length);
        var bytes = most <= MaxNameOnStack ? stackalloc byte[MaxNameOnStack] : new byte[most];
        var name = bytes[..Encoding.UTF8.GetBytes(claim, bytes)];
        foreach (ref readonly var member in Members)
        {
            if (NameOf(member).SequenceEqual(name))
            {
                var value = new Utf8JsonReader(_bytes.AsSpan(member.Value, member.End - member.Value));
                value.Read();
                return value.TokenType switch
                {
                    JsonTokenType.String => [value.GetString()!],
                    JsonTokenType.StartArray => TextsIn(value),
                    _ => [],
                };
            }
        }

        return [];
    }

    /// <summary>The text of a claim. One with several values names nobody.</summary>
    public string? Text(string claim) => Texts(claim) is [var text] ? text : null;

    /// <summary>Whether the text is the only one for its bytes: no padding, no white space, and no bits in the last digit that mean nothing.</summary>
    private static bool IsCanonical(ReadOnlySpan<char> part) => !part.ContainsAnyExcept(s_digits) && (part.Length % 4) switch
    {
        0 => true,
        2 => part[^1] is 'A' or 'Q' or 'g' or 'w',
        3 => "AEIMQUYcgkosw048".Contains(part[^1], StringComparison.Ordinal),
        _ => false,
    };

    private static string[] TextsIn(Utf8JsonReader list)
    {
        var texts = new string[CountOf(list)];
        for (var count = 0; count < texts.Length;)
        {
            list.Read();
            if (list.TokenType == JsonTokenType.String)
            {
                texts[count++] = list.GetString()!;
            }

            list.Skip();
        }

        return texts;
    }

    private static int CountOf(Utf8JsonReader list)
    {
        var count = 0;
        while (list.Read() && list.TokenType != JsonTokenType.EndArray)
        {
            count += list.TokenType == JsonTokenType.String ? 1 : 0;
            list.Skip();
        }

        return count;
    }

    /// <summary>Reads the header or the payload.</summary>
    /// <param name="part">Its text.</param>
    /// <param name="lists">Of the payload.</param>
    /// <returns>What is wrong with it.</returns>
    private string? Read(ReadOnlySpan<char> part, byte[][]? lists)
    {
        _count = 0;
        try
        {
            return Read(_bytes.AsMemory(0, Base64Url.DecodeFromChars(part, _bytes)), lists);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // No JSON, or a text with half of a pair of surrogates.
            return NoJson;
        }
    }

    private string? Read(ReadOnlyMemory<byte> json, byte[][]? lists)
    {
        var reader = new Utf8JsonReader(json.Span);
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            using var other = JsonDocument.Parse(json, s_json);
            return lists is null ? "Its header is no JSON object." : "Its payload is no JSON object.";
        }

        string? fault = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            // Compared where it is: a text for each name would be most of the garbage of a token.
            var member = new Member { Escaped = reader.ValueIsEscaped ? Encoding.UTF8.GetBytes(reader.GetString()!) : null, Name = (int)reader.TokenStartIndex + 1, NameLength = reader.ValueSpan.Length };
            if (_count == MaxCompared)
            {
                using var all = JsonDocument.Parse(json, s_json);
            }
            else if (_count < MaxCompared && IsThere(NameOf(member)))
            {
                return NoJson;
            }

            reader.Read();
            fault ??= lists is null ? FaultOfHeader(NameOf(member), reader) : FaultOfClaim(NameOf(member), reader, lists);
            member.Value = (int)reader.TokenStartIndex;
            var hasObjects = SkipValue(ref reader);
            member.End = (int)reader.BytesConsumed;
            if (hasObjects)
            {
                // Whether they name something twice.
                using var value = JsonDocument.Parse(json[member.Value..member.End], s_json);
            }

            Add(member);
        }

        // What is behind it, if it is not white space, is no JSON.
        reader.Read();
        return fault;
    }

    /// <returns>Whether there are objects in it.</returns>
    private static bool SkipValue(ref Utf8JsonReader reader)
    {
        var hasObjects = reader.TokenType == JsonTokenType.StartObject;
        if (hasObjects || reader.TokenType == JsonTokenType.StartArray)
        {
            var depth = reader.CurrentDepth;
            while (reader.Read() && reader.CurrentDepth > depth)
            {
                hasObjects |= reader.TokenType == JsonTokenType.StartObject;
            }
        }

        return hasObjects;
    }

    private bool IsThere(ReadOnlySpan<byte> name)
    {
        foreach (ref readonly var member in Members)
        {
            if (NameOf(member).SequenceEqual(name))
            {
                return true;
            }
        }

        return false;
    }

    private void Add(in Member member)
    {
        if (_count == _members.Length)
        {
            var more = ArrayPool<Member>.Shared.Rent(_count * 2);
            Members.CopyTo(more);
            ArrayPool<Member>.Shared.Return(_members, clearArray: true);
            _members = more;
        }

        _members[_count++] = member;
    }

    private ReadOnlySpan<byte> NameOf(in Member member) => member.Escaped ?? (ReadOnlySpan<byte>)_bytes.AsSpan(member.Name, member.NameLength);

    private static string? FaultOfHeader(ReadOnlySpan<byte> name, Utf8JsonReader value) =>
        // RFC 7515, 4.1.11: no extension is known here, and an empty list of them must not be.
        name.SequenceEqual("crit"u8) ? "Its header has 'crit': an extension that is not known here must be heeded."
        : IsIn(s_headerTexts, name) && !IsText(value) ? $"'{Encoding.UTF8.GetString(name)}' in its header is no text."
        : null;

    private static string? FaultOfClaim(ReadOnlySpan<byte> name, Utf8JsonReader value, byte[][] lists)
    {
        if (name.SequenceEqual("iss"u8))
        {
            return IsText(value) ? null : "'iss' is no text.";
        }

        if (name.SequenceEqual("sub"u8) || name.SequenceEqual("jti"u8))
        {
            return !IsText(value) ? $"'{Encoding.UTF8.GetString(name)}' is no text."
                : RevokedName.IsValue(value.GetString()!) ? null
                : $"'{Encoding.UTF8.GetString(name)}' has more than {RevokedName.MaxLength} characters, or a control character, or looks like a credential: no revocation could name it.";
        }

        if (name.SequenceEqual("exp"u8) || name.SequenceEqual("nbf"u8) || name.SequenceEqual("iat"u8))
        {
            return IsTime(value) ? null : $"'{Encoding.UTF8.GetString(name)}' is no time: a number of seconds since 1970.";
        }

        return (name.SequenceEqual("aud"u8) || IsIn(lists, name)) && !IsTexts(value) ? $"'{Encoding.UTF8.GetString(name)}' is neither a text nor a list of texts." : null;
    }

    private static bool IsIn(byte[][] names, ReadOnlySpan<byte> name)
    {
        foreach (var one in names)
        {
            if (name.SequenceEqual(one))
            {
                return true;
            }
        }

        return false;
    }

    // Reading it finds what is no text although it looks like one.
    private static bool IsText(in Utf8JsonReader value) =>
        value.TokenType == JsonTokenType.String && ((!value.ValueIsEscaped && Utf8.IsValid(value.ValueSpan)) || value.GetString() is not null);

    private static bool IsTexts(Utf8JsonReader value)
    {
        if (value.TokenType != JsonTokenType.StartArray)
        {
            return IsText(value);
        }

        while (value.Read() && value.TokenType != JsonTokenType.EndArray)
        {
            if (!IsText(value))
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsTime(in Utf8JsonReader value) => value.TokenType == JsonTokenType.Number && value.TryGetDouble(out var seconds) && seconds is >= 0 and <= MaxTime;

    /// <summary>Where a member stands.</summary>
    private struct Member
    {
        /// <summary>The name, if it is written with escapes.</summary>
        public byte[]? Escaped;
        public int Name;
        public int NameLength;
        public int Value;
        public int End;
    }
}
