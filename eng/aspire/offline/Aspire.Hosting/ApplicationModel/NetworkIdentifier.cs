namespace Aspire.Hosting.ApplicationModel;

/// <summary>A network that endpoints can be reached in.</summary>
public record NetworkIdentifier(string Value)
{
    public override string ToString() => Value;
}
