using Aspire.Hosting;

namespace SseApp.Tests.Hosting;

/// <summary>A web project that exists only in the model.</summary>
public sealed class TestProject : IProjectMetadata
{
    public string ProjectPath => Path.Combine(AppContext.BaseDirectory, "web", "web.csproj");

    public LaunchSettings? LaunchSettings { get; } = new()
    {
        Profiles =
        {
            ["https"] = new LaunchProfile
            {
                CommandName = "Project",
                ApplicationUrl = "https://localhost:7123;http://localhost:5123",
                EnvironmentVariables = { ["FROM_PROFILE"] = "https" },
            },
            ["http"] = new LaunchProfile
            {
                CommandName = "Project",
                ApplicationUrl = "http://localhost:5124",
                EnvironmentVariables = { ["FROM_PROFILE"] = "http" },
            },
        },
    };
}
