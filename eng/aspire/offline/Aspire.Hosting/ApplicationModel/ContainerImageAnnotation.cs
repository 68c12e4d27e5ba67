using System.Diagnostics;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>The image of a container. A tag and a digest exclude each other.</summary>
[DebuggerDisplay("Image = {Image}, Tag = {Tag}, SHA256 = {SHA256}")]
public sealed class ContainerImageAnnotation : IResourceAnnotation
{
    private string? _tag;
    private string? _sha256;

    public string? Registry { get; set; }

    public required string Image { get; set; }

    public string? Tag
    {
        get => _tag;
        set
        {
            _tag = value;
            _sha256 = null;
        }
    }

    /// <summary>The digest: 64 hexadecimal digits.</summary>
    public string? SHA256
    {
        get => _sha256;
        set
        {
            _sha256 = value;
            _tag = null;
        }
    }
}
