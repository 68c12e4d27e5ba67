using System.Diagnostics;

namespace Aspire.Hosting;

[DebuggerDisplay("ProjectPath = {ProjectPath}")]
internal sealed class ProjectMetadata(string projectPath) : IProjectMetadata
{
    public string ProjectPath { get; } = projectPath;

    public bool SuppressBuild => false;
}
