using System.Text.Json.Serialization;

namespace Aspire.Hosting;

/// <summary>The content of <c>launchSettings.json</c>.</summary>
public sealed class LaunchSettings
{
    [JsonPropertyName("profiles")]
    public Dictionary<string, LaunchProfile> Profiles { get; set; } = [];
}
