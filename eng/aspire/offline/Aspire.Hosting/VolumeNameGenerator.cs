using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Configuration;

namespace Aspire.Hosting;

/// <summary>Names volumes so that two applications on one machine do not share them.</summary>
public static class VolumeNameGenerator
{
    /// <summary><c>{application}-{hash}-{resource}-{suffix}</c></summary>
    /// <exception cref="ArgumentException">The suffix has characters that a volume name cannot have.</exception>
    public static string Generate<T>(IResourceBuilder<T> builder, string suffix)
        where T : IResource
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(suffix);
        if (!suffix.All(IsValid))
        {
            throw new ArgumentException($"The suffix '{suffix}' contains invalid characters. Only [a-zA-Z0-9_.-] are allowed.", nameof(suffix));
        }

        var application = new string([.. builder.ApplicationBuilder.Environment.ApplicationName.Select(c => IsValid(c) ? c : '_')]).ToLowerInvariant();
        if (!char.IsAsciiLetterOrDigit(application[0]))
        {
            application = $"volume{application}";
        }

        var hash = builder.ApplicationBuilder.Configuration["AppHost:Sha256"]![..10].ToLowerInvariant();
        return $"{application}-{hash}-{builder.Resource.Name}-{suffix}";
    }

    private static bool IsValid(char c) => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-';
}
