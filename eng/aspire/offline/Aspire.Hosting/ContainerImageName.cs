namespace Aspire.Hosting;

/// <summary>The parts of an image name such as <c>docker.io/library/redis:8.6</c>.</summary>
internal sealed record ContainerImageName(string? Registry, string Image, string? Tag, string? Digest)
{
    public static ContainerImageName Parse(string name)
    {
        string? digest = null;
        if (name.IndexOf("@sha256:", StringComparison.Ordinal) is > 0 and var at)
        {
            digest = name[(at + "@sha256:".Length)..];
            name = name[..at];
        }

        string? tag = null;
        var colon = name.LastIndexOf(':');
        if (colon > name.LastIndexOf('/'))
        {
            tag = name[(colon + 1)..];
            name = name[..colon];
        }

        // A first part with a dot or port, or "localhost", is a registry; otherwise it is part of the image's path.
        var slash = name.IndexOf('/', StringComparison.Ordinal);
        var first = slash > 0 ? name[..slash] : string.Empty;
        return first.Contains('.', StringComparison.Ordinal) || first.Contains(':', StringComparison.Ordinal) || first == "localhost"
            ? new ContainerImageName(first, name[(slash + 1)..], tag, digest)
            : new ContainerImageName(null, name, tag, digest);
    }
}
