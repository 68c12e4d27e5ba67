using System.Security.Cryptography;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Utils;

internal static class RandomPassword
{
    // Without l, I, O, 0 and 1, which people mix up.
    private const string Lower = "abcdefghijkmnopqrstuvwxyz";
    private const string Upper = "ABCDEFGHJKMNPQRSTUVWXYZ";
    private const string Numeric = "23456789";

    // Needs no escaping in shells, URLs and JSON.
    private const string Special = "-_.{}~()*+!";

    public static string Create(GenerateParameterDefault rules)
    {
        (string Characters, bool Allowed, int Minimum)[] classes =
        [
            (Lower, rules.Lower, rules.MinLower),
            (Upper, rules.Upper, rules.MinUpper),
            (Numeric, rules.Numeric, rules.MinNumeric),
            (Special, rules.Special, rules.MinSpecial),
        ];
        if (classes.Any(c => !c.Allowed && c.Minimum > 0) || classes.All(c => !c.Allowed))
        {
            throw new ArgumentException("The rules for the generated value contradict each other: a required class of characters is not allowed.", nameof(rules));
        }

        var required = string.Concat(classes.Select(c => RandomNumberGenerator.GetString(c.Characters, c.Minimum)));
        var allowed = string.Concat(classes.Where(c => c.Allowed).Select(c => c.Characters));
        var rest = RandomNumberGenerator.GetString(allowed, Math.Max(0, rules.MinLength - required.Length));
        var value = (required + rest).ToCharArray();
        RandomNumberGenerator.Shuffle(value.AsSpan());
        return new string(value);
    }
}
