using Aspire.Hosting.Publishing;
using Aspire.Hosting.Utils;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Generates a random value.</summary>
public sealed class GenerateParameterDefault : ParameterDefault
{
    public int MinLength { get; set; }

    public bool Lower { get; set; } = true;

    public bool Upper { get; set; } = true;

    public bool Numeric { get; set; } = true;

    public bool Special { get; set; } = true;

    public int MinLower { get; set; }

    public int MinUpper { get; set; }

    public int MinNumeric { get; set; }

    public int MinSpecial { get; set; }

    public override string GetDefaultValue() => RandomPassword.Create(this);

    public override void WriteToManifest(ManifestPublishingContext context)
    {
        var writer = context.Writer;
        writer.WriteStartObject("generate");
        writer.WriteNumber("minLength", MinLength);
        WriteUnlessTrue("lower", Lower);
        WriteUnlessTrue("upper", Upper);
        WriteUnlessTrue("numeric", Numeric);
        WriteUnlessTrue("special", Special);
        WriteUnlessZero("minLower", MinLower);
        WriteUnlessZero("minUpper", MinUpper);
        WriteUnlessZero("minNumeric", MinNumeric);
        WriteUnlessZero("minSpecial", MinSpecial);
        writer.WriteEndObject();

        void WriteUnlessTrue(string name, bool value)
        {
            if (!value)
            {
                writer.WriteBoolean(name, false);
            }
        }

        void WriteUnlessZero(string name, int value)
        {
            if (value != 0)
            {
                writer.WriteNumber(name, value);
            }
        }
    }
}
