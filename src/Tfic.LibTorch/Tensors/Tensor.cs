using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp.Interop;
using TorchSharp.Utils;
using static TorchSharp.Interop.NativeMethods;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>
    /// A tensor of libtorch. It belongs to the dispose scope that is open where it is made and is freed with it,
    /// by Dispose, or at the latest by the finaliser.
    /// </summary>
    public partial class Tensor : IDisposable
    {
        private static long total;
        private static long peak;

        private nint handle;

        internal Tensor(nint handle)
            : this(handle, register: true)
        {
        }

        internal Tensor(nint handle, bool register)
        {
            this.handle = handle;
            long count = Interlocked.Increment(ref total);
            // A peak that another thread raises in between is found again at its next tensor.
            if (count > Volatile.Read(ref peak))
                Volatile.Write(ref peak, count);
            if (register && DisposeScopeManager.Current is { } scope)
            {
                OwningDisposeScope = scope;
                scope.Add(this);
            }
        }

        ~Tensor() => Dispose(false);

        /// <summary>Tensors of this process that have not been disposed.</summary>
        public static long TotalCount => Interlocked.Read(ref total);

        public static long PeakCount => Interlocked.Read(ref peak);

        internal DisposeScope? OwningDisposeScope { get; set; }

        public string? name { get; set; }

        public bool IsInvalid => handle == 0;

        /// <summary>The native tensor. Two tensor objects for the same native tensor have the same handle.</summary>
        public IntPtr Handle => handle != 0 ? handle : throw new InvalidOperationException(
            "Tensor invalid -- empty handle.");

        internal TensorInfo Info
        {
            get
            {
                Check(tfic_torch_describe(Handle, out TensorInfo info));
                GC.KeepAlive(this);
                return info;
            }
        }

        public long Dimensions => Info.Dimensions;

        public long ndim => Info.Dimensions;

        public long NumberOfElements => Info.Elements;

        public long ElementSize => Info.ElementSize;

        public ScalarType dtype => (ScalarType)Info.ScalarType;

        public Device device
        {
            get
            {
                TensorInfo info = Info;
                return new Device((DeviceType)info.DeviceType, info.DeviceIndex);
            }
        }

        public DeviceType device_type => (DeviceType)Info.DeviceType;

        public int device_index => Info.DeviceIndex;

        public bool is_cuda => device_type == DeviceType.CUDA;

        public bool is_leaf => Info.IsLeaf != 0;

        public unsafe long[] shape
        {
            get
            {
                var sizes = new long[Info.Dimensions];
                fixed (long* p = sizes)
                    Check(tfic_torch_shape(Handle, p, null));
                GC.KeepAlive(this);
                return sizes;
            }
        }

        public bool requires_grad
        {
            get => Info.RequiresGrad != 0;
            set
            {
                Check(tfic_torch_set_requires_grad(Handle, value ? 1 : 0));
                GC.KeepAlive(this);
            }
        }

        /// <summary>The gradient that backward has accumulated; null where there is none.</summary>
        public Tensor? grad
        {
            get
            {
                Check(tfic_torch_grad(Handle, out nint found));
                GC.KeepAlive(this);
                return found == 0 ? null : new Tensor(found);
            }

            set
            {
                Check(tfic_torch_set_grad(Handle, value?.Handle ?? 0));
                GC.KeepAlive(this);
                GC.KeepAlive(value);
            }
        }

        /// <summary>The raw elements of a contiguous tensor in main memory.</summary>
        public unsafe Span<byte> bytes
        {
            get => new((void*)Data(), checked((int)(NumberOfElements * ElementSize)));
            set
            {
                Span<byte> own = bytes;
                if (own.Length != value.Length)
                    throw new ArgumentException(
                        $"the tensor has {own.Length} bytes, not {value.Length}", nameof(value));
                value.CopyTo(own);
            }
        }

        public void Dispose()
        {
            OwningDisposeScope?.Forget(this);
            OwningDisposeScope = null;
            Dispose(true);
            GC.SuppressFinalize(this);
        }

        protected virtual void Dispose(bool disposing)
        {
            nint old = Interlocked.Exchange(ref handle, 0);
            if (old != 0)
            {
                Interlocked.Decrement(ref total);
                tfic_torch_free(old);
            }
        }

        /// <summary>Hands the tensor to the next outer scope, or out of all scopes where there is none.</summary>
        public Tensor MoveToOuterDisposeScope()
        {
            OwningDisposeScope?.MoveToOuter(this);
            return this;
        }

        /// <summary>Takes the tensor out of all scopes; its holder disposes it.</summary>
        public Tensor DetachFromDisposeScope()
        {
            OwningDisposeScope?.Detach(this);
            return this;
        }

        public Tensor MoveToOtherDisposeScope(DisposeScope other)
        {
            OwningDisposeScope?.MoveToOther(other, this);
            return this;
        }

        public Tensor MoveToOtherDisposeScope(Tensor other)
        {
            OwningDisposeScope?.MoveToOther(other.OwningDisposeScope, this);
            return this;
        }

        /// <summary>Gives the native reference away; this object is empty afterwards.</summary>
        public IntPtr DecoupleFromNativeHandle()
        {
            OwningDisposeScope?.Forget(this);
            OwningDisposeScope = null;
            GC.SuppressFinalize(this);
            nint old = Interlocked.Exchange(ref handle, 0);
            if (old != 0)
                Interlocked.Decrement(ref total);
            return old;
        }

        /// <summary>
        /// Makes this object stand for another native tensor. Whoever holds it (a module's field, an optimizer) goes
        /// on with the new one.
        /// </summary>
        internal void Replace(Tensor by)
        {
            nint old = handle;
            handle = by.DecoupleFromNativeHandle();
            tfic_torch_free(old);
        }

        public override bool Equals(object? obj) => obj is Tensor tensor && equal(tensor).ToBoolean();

        public bool Equals(Tensor target) => equal(target).ToBoolean();

        public override int GetHashCode() => RuntimeHelpers.GetHashCode(this);

        public long dim() => Info.Dimensions;

        public long numel() => Info.Elements;

        public long element_size() => Info.ElementSize;

        public bool is_integral() => torch.is_integral(dtype);

        public bool is_floating_point() => torch.is_floating_point(dtype);

        public bool is_cpu() => device_type == DeviceType.CPU;

        public bool is_contiguous() => Info.IsContiguous != 0;

        public bool is_nonzero() => Aten.CallScalar("is_nonzero", this).Bits != 0;

        public long storage_offset() => Info.StorageOffset;

        public long[] size() => shape;

        public long size(int dim)
        {
            long[] sizes = shape;
            return sizes[dim < 0 ? dim + sizes.Length : dim];
        }

        public unsafe long[] stride()
        {
            var strides = new long[Info.Dimensions];
            fixed (long* p = strides)
                Check(tfic_torch_shape(Handle, null, p));
            GC.KeepAlive(this);
            return strides;
        }

        public long stride(int dim)
        {
            long[] strides = stride();
            return strides[dim < 0 ? dim + strides.Length : dim];
        }

        /// <summary>The elements, read and written where they lie. The tensor must be in main memory.</summary>
        /// <exception cref="ArgumentException">The element type is not <typeparamref name="T"/>.</exception>
        public TensorAccessor<T> data<T>() where T : unmanaged
        {
            ScalarType type = dtype;
            if (!Elements.Match<T>(type))
                throw new ArgumentException($"{typeof(T).Name} is not compatible with {type}");
            return new TensorAccessor<T>(this);
        }

        /// <summary>The value of a tensor of one element.</summary>
        public T item<T>() where T : unmanaged
        {
            if (NumberOfElements != 1)
                throw new ArgumentException("Number of elements in the tensor must be 1");
            return data<T>()[0];
        }

        public Scalar ToScalar() => dtype switch
        {
            ScalarType.Bool => this.ToBoolean(),
            ScalarType type when torch.is_integral(type) => this.ToInt64(),
            _ => this.ToDouble(),
        };

        public void WriteBytesToStream(Stream stream, int bufferSize = 1024)
        {
            using Tensor plain = PlainBytes();
            foreach ((nint address, int count) in Chunks(plain))
                stream.Write(AsSpan(address, count));
        }

        /// <exception cref="EndOfStreamException">The stream ends before the tensor is full.</exception>
        public void ReadBytesFromStream(Stream stream, int bufferSize = 1024)
        {
            using Tensor plain = PlainBytes();
            foreach ((nint address, int count) in Chunks(plain))
                stream.ReadExactly(AsSpan(address, count));
            if (plain.Data() != Data())
            {
                using (no_grad())
                    copy_(plain).Dispose();
            }
        }

        public void save(string location)
        {
            using var stream = File.Create(location);
            this.Save(stream);
        }

        public static Tensor load(string location) => Load(location);

        public static Tensor Load(BinaryReader reader) => TensorExtensionMethods.Load(reader);

        public static Tensor Load(Stream stream)
        {
            using var reader = new BinaryReader(stream);
            return TensorExtensionMethods.Load(reader);
        }

        public static Tensor Load(string location)
        {
            using var stream = File.OpenRead(location);
            return Load(stream);
        }

        public override string ToString() => TensorText.Metadata(this);

        internal nint Data()
        {
            Check(tfic_torch_data(Handle, out nint address));
            GC.KeepAlive(this);
            return address;
        }

        internal bool WillCopy(ScalarType type, Device target)
        {
            TensorInfo info = Info;
            return info.ScalarType != (int)type || info.DeviceType != (int)target.type
                || (target.index >= 0 && info.DeviceIndex != target.index);
        }

        private Tensor PlainBytes()
        {
            using (NewDisposeScope())
            using (no_grad())
                return detach().cpu().contiguous().DetachFromDisposeScope();
        }

        private static IEnumerable<(nint Address, int Count)> Chunks(Tensor tensor)
        {
            const int Largest = 1 << 24;
            nint address = tensor.Data();
            long left = tensor.NumberOfElements * tensor.ElementSize;
            while (left > 0)
            {
                int count = (int)Math.Min(left, Largest);
                yield return (address, count);
                address += count;
                left -= count;
            }
        }

        private static unsafe Span<byte> AsSpan(nint address, int count) => new((void*)address, count);
    }
}
