using System.Collections;
using Microsoft.Management.Infrastructure.Generic;
using Microsoft.Management.Infrastructure.Options;

namespace Microsoft.Management.Infrastructure.Generic
{
    public abstract class CimReadOnlyKeyedCollection<T> : IEnumerable<T>
    {
        internal CimReadOnlyKeyedCollection()
        {
        }

        public abstract int Count { get; }

        public abstract T this[string itemName] { get; }

        public abstract IEnumerator<T> GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => throw null!;
    }

    public abstract class CimKeyedCollection<T> : CimReadOnlyKeyedCollection<T>
    {
        internal CimKeyedCollection()
        {
        }

        public abstract void Add(T newItem);
    }
}

namespace Microsoft.Management.Infrastructure.Options
{
    public class CimOperationOptions : IDisposable
    {
        public TimeSpan Timeout { set => throw null!; }

        public void SetCustomOption(string optionName, bool optionValue, bool mustComply) => throw null!;

        public void Dispose() => throw null!;
    }
}

namespace Microsoft.Management.Infrastructure
{
    public enum CimType
    {
        Unknown, Boolean, UInt8, SInt8, UInt16, SInt16, UInt32, SInt32, UInt64, SInt64, Real32, Real64, Char16, DateTime, String, Reference, Instance,
        BooleanArray, UInt8Array, SInt8Array, UInt16Array, SInt16Array, UInt32Array, SInt32Array, UInt64Array, SInt64Array, Real32Array, Real64Array,
        Char16Array, DateTimeArray, StringArray, ReferenceArray, InstanceArray,
    }

    /// <summary>mi.h MI_FLAG_*; only those that are used.</summary>
    [Flags]
    public enum CimFlags : long
    {
        None = 0,
        Key = 1 << 12,
        In = 1 << 13,
    }

    public enum NativeErrorCode
    {
        Ok = 0,
    }

    public class CimException : Exception
    {
        public NativeErrorCode NativeErrorCode => throw null!;

        public uint StatusCode => throw null!;
    }

    public abstract class CimProperty
    {
        internal CimProperty()
        {
        }

        public abstract string Name { get; }

        public abstract object Value { get; set; }

        public abstract CimFlags Flags { get; }
    }

    public class CimSystemProperties
    {
        internal CimSystemProperties()
        {
        }

        public string Namespace => throw null!;

        public string ServerName => throw null!;

        public string ClassName => throw null!;
    }

    public sealed class CimInstance : IDisposable
    {
        public CimKeyedCollection<CimProperty> CimInstanceProperties => throw null!;

        public CimSystemProperties CimSystemProperties => throw null!;

        public void Dispose() => throw null!;
    }

    public abstract class CimMethodParameter
    {
        internal CimMethodParameter()
        {
        }

        public static CimMethodParameter Create(string name, object? value, CimType type, CimFlags flags) => throw null!;

        public abstract string Name { get; }

        public abstract object Value { get; set; }
    }

    public class CimMethodParametersCollection : CimKeyedCollection<CimMethodParameter>, IDisposable
    {
        public override int Count => throw null!;

        public override CimMethodParameter this[string parameterName] => throw null!;

        public override void Add(CimMethodParameter newParameter) => throw null!;

        public override IEnumerator<CimMethodParameter> GetEnumerator() => throw null!;

        public void Dispose() => throw null!;
    }

    public abstract class CimMethodResultBase
    {
        internal CimMethodResultBase()
        {
        }
    }

    public class CimMethodResult : CimMethodResultBase, IDisposable
    {
        internal CimMethodResult()
        {
        }

        public CimReadOnlyKeyedCollection<CimMethodParameter> OutParameters => throw null!;

        public CimMethodParameter ReturnValue => throw null!;

        public void Dispose() => throw null!;
    }

    public class CimSession : IDisposable
    {
        internal CimSession()
        {
        }

        public static CimSession Create(string? computerName) => throw null!;

        public IEnumerable<CimInstance> QueryInstances(string namespaceName, string queryDialect, string queryExpression, CimOperationOptions options) => throw null!;

        public CimInstance GetInstance(string namespaceName, CimInstance instanceId, CimOperationOptions options) => throw null!;

        public CimMethodResult InvokeMethod(string namespaceName, CimInstance instance, string methodName, CimMethodParametersCollection methodParameters, CimOperationOptions options) => throw null!;

        public void Dispose() => throw null!;
    }
}
