using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Primitives;

namespace SseApp.ServiceDefaults.Defaults.Admin;

/// <summary>What operators of this process know, and nobody else.</summary>
/// <param name="text">As it is in the file and after <c>Bearer</c>.</param>
/// <param name="file">Where it is.</param>
internal sealed class AdminKey(string text, string file)
{
    public const string Scheme = "Bearer";

    private readonly byte[] _text = Encoding.ASCII.GetBytes(text);

    public string Text => text;

    public string File => file;

    /// <summary>Whether this header has the key; how long that takes says nothing about it.</summary>
    public bool Matches(StringValues authorization) =>
        authorization is [{ } header]
        && header.StartsWith($"{Scheme} ", StringComparison.OrdinalIgnoreCase)
        && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(header[(Scheme.Length + 1)..].Trim(' ')), _text);
}
