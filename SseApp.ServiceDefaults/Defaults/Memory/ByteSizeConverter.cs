using System.ComponentModel;
using System.Globalization;

namespace SseApp.ServiceDefaults.Defaults.Memory;

/// <summary>Lets the configuration binder read a <see cref="ByteSize"/>.</summary>
internal sealed class ByteSizeConverter : TypeConverter
{
    public override bool CanConvertFrom(ITypeDescriptorContext? context, Type sourceType) => sourceType == typeof(string);

    public override object? ConvertFrom(ITypeDescriptorContext? context, CultureInfo? culture, object value) =>
        value is string text ? ByteSize.Parse(text) : base.ConvertFrom(context, culture, value);
}
