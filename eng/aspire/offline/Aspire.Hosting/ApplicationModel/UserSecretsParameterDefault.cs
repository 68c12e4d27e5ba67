using Aspire.Hosting.Publishing;
using Aspire.Hosting.Utils;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Generates the value once and keeps it.</summary>
internal sealed class UserSecretsParameterDefault(UserSecretsStore secrets, string name, ParameterDefault inner) : ParameterDefault
{
    public override string GetDefaultValue()
    {
        var value = inner.GetDefaultValue();
        secrets.TrySet($"Parameters:{name}", value);
        return value;
    }

    public override void WriteToManifest(ManifestPublishingContext context) => inner.WriteToManifest(context);
}
