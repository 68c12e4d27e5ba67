namespace Aspire.Hosting.Dcp.Model;

/// <summary>How the engine's API names a kind of object.</summary>
internal interface IDcpKind
{
    static abstract string KindName { get; }

    /// <summary>The path segment of the kind, for example <c>executables</c>.</summary>
    static abstract string Plural { get; }
}
