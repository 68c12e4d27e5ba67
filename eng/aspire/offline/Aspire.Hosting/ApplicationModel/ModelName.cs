namespace Aspire.Hosting.ApplicationModel;

/// <summary>The rule for names of resources and endpoints.</summary>
internal static class ModelName
{
    internal const int MaxLength = 64;

    internal static void ValidateName(string target, string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        if (Describe(target, name) is { } problem)
        {
            throw new ArgumentException(problem, nameof(name));
        }
    }

    private static string? Describe(string target, string name)
    {
        if (name.Length > MaxLength)
        {
            return $"{target} name '{name}' is invalid. Name must be between 1 and {MaxLength} characters long.";
        }

        if (!name.All(c => char.IsAsciiLetterOrDigit(c) || c == '-'))
        {
            return $"{target} name '{name}' is invalid. Name must contain only ASCII letters, digits, and hyphens.";
        }

        if (name.Contains("--", StringComparison.Ordinal))
        {
            return $"{target} name '{name}' is invalid. Name cannot contain consecutive hyphens.";
        }

        if (name[^1] == '-')
        {
            return $"{target} name '{name}' is invalid. Name cannot end with a hyphen.";
        }

        return char.IsAsciiLetter(name[0]) ? null : $"{target} name '{name}' is invalid. Name must start with an ASCII letter.";
    }
}
