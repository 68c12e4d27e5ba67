using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Configuration;

namespace SseApp.AppHost;

internal static class ConfigurationExtensions
{
    /// <summary>Binds a section and checks its DataAnnotations before any resource is built on it.</summary>
    /// <exception cref="DistributedApplicationException">A value cannot be read or breaks its rule.</exception>
    public static T GetValidated<T>(this IConfiguration configuration, string section)
        where T : class, new()
    {
        return configuration.GetSection(section).BindValidated(new T(), section);
    }

    /// <summary>Binds over the defaults in <paramref name="options"/> and checks the DataAnnotations.</summary>
    /// <exception cref="DistributedApplicationException">A value cannot be read or breaks its rule.</exception>
    public static T BindValidated<T>(this IConfiguration values, T options, string section)
        where T : class
    {
        try
        {
            values.Bind(options);
        }
        catch (InvalidOperationException exception)
        {
            throw new DistributedApplicationException($"Configuration section '{section}': {exception.InnerException?.Message ?? exception.Message}", exception);
        }

        var failures = new List<ValidationResult>();
        if (!Validator.TryValidateObject(options, new ValidationContext(options), failures, validateAllProperties: true))
        {
            throw new DistributedApplicationException(
                $"Configuration section '{section}': {string.Join(" ", failures.Select(failure => failure.ErrorMessage))}");
        }

        return options;
    }
}
